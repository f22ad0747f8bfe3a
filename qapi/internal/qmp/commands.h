// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/describe.h"

namespace qomio {

// The capabilities that a client may enable when a session begins.
enum class QmpCapability { Oob };
template <>
inline constexpr auto enum_description<QmpCapability> =
    EnumDescription("QMPCapability", value(QmpCapability::Oob, "oob", "out-of-band commands (exec-oob)"));

// The arguments of qmp_capabilities.
struct QmpCapabilities {
  std::vector<QmpCapability> enable;
  static constexpr std::string_view type_name = "QmpCapabilities";
  static constexpr auto members =
      member_list(member_with_default("enable", &QmpCapabilities::enable, "capabilities to enable"));
};

inline constexpr std::string_view kSubscribeEvents = "subscribe-events";

// The arguments of subscribe-events.
struct EventSubscription {
  std::vector<std::string> events;
  static constexpr std::string_view type_name = "EventSubscription";
  static constexpr auto members = member_list(member(
      "events", &EventSubscription::events, "names of events; they replace the previous subscription"));
};

inline constexpr std::string_view kEventsDropped = "EVENTS_DROPPED";

// The data of the event EVENTS_DROPPED, which is sent to one client only, and not by CommandRegistry::emit().
struct EventsDropped {
  std::uint64_t count = 0;
  static constexpr std::string_view type_name = "EventsDropped";
  static constexpr auto members = member_list(
      member("count", &EventsDropped::count, "events dropped since the last one that the client received"));
};

}  // namespace qomio

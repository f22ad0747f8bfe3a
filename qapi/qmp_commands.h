// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/qapi/interface.h"

namespace qomio {

// What a client may ask for when a session begins.
enum class QmpCapability { Oob };
template <>
inline constexpr auto enum_description<QmpCapability> = EnumDescription("QMPCapability", "oob");

// The arguments of qmp_capabilities.
struct QmpCapabilities {
  std::vector<QmpCapability> enable;
  static constexpr std::string_view type_name = "QmpCapabilities";
  static constexpr auto members = std::tuple(member_with_default("enable", &QmpCapabilities::enable));
};

// Why a program ends; the words are those of QEMU, whose clients know them.
enum class ShutdownCause {
  None,
  HostError,
  HostQmpQuit,
  HostQmpSystemReset,
  HostSignal,
  HostUi,
  GuestShutdown,
  GuestReset,
  GuestPanic,
  SubsystemReset,
  SnapshotLoad
};
template <>
inline constexpr auto enum_description<ShutdownCause> = EnumDescription(
    "ShutdownCause", "none", "host-error", "host-qmp-quit", "host-qmp-system-reset", "host-signal", "host-ui",
    "guest-shutdown", "guest-reset", "guest-panic", "subsystem-reset", "snapshot-load");

// The data of the event SHUTDOWN.
struct ShutdownInfo {
  bool guest = false;
  ShutdownCause reason = ShutdownCause::None;
  static constexpr std::string_view type_name = "SHUTDOWN-arg";
  static constexpr auto members =
      std::tuple(member("guest", &ShutdownInfo::guest), member("reason", &ShutdownInfo::reason));
};

// Adds qmp_capabilities, quit and the event SHUTDOWN. Every QmpServer does this for its interface; twice is
// harmless. `quit` sends SHUTDOWN; ending the program is up to QmpServer::on_finished().
void add_qmp_commands(Interface& interface);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/commands.h"

#include "qomio/qapi/interface.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"

namespace qomio {

namespace {

// Sessions answer the first one themselves; what gets here comes too late.
Result<void> qmp_capabilities(const QmpCapabilities& /*arguments*/) {
  return error(ErrorClass::CommandNotFound, "Capabilities negotiation is already complete, command ignored");
}

// Sessions answer this, too: it is about one client.
Result<void> subscribe_events(const EventSubscription& /*arguments*/) {
  return error("subscribe-events is for clients of a QMP server");
}

}  // namespace

void add_qmp_commands(Interface& interface) {
  add_introspection_commands(interface);
  interface.add(command("qmp_capabilities", "begins the session", qmp_capabilities).query());
  interface.add(
      command(kSubscribeEvents, "asks for events that are sent on request only", subscribe_events).query());
  interface.add(event<EventsDropped>(
      kEventsDropped,
      "events for this client were dropped, since it read too slowly; comes before the next one"));
}

}  // namespace qomio

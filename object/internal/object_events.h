// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

class CommandRegistry;

// Adds the events OBJECT_ADDED, OBJECT_DELETED and OBJECT_CHANGED, which are sent to clients that request
// them with subscribe-events.
void add_object_events(CommandRegistry& commands);

}  // namespace qomio

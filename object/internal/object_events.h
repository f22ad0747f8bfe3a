// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

class CommandRegistry;

// OBJECT_ADDED, OBJECT_DELETED and OBJECT_CHANGED, for clients who ask for them with subscribe-events.
void add_object_events(CommandRegistry& commands);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace qomio {

class CommandRegistry;

// Adds the commands for objects (qom-list, qom-get, qom-set, qom-set-many, qom-list-get, qom-list-types,
// qom-list-properties, object-add, object-del, and with text: qom-get-text, qom-set-text, object-add-text),
// query-config and module-load, and the events OBJECT_ADDED, OBJECT_DELETED and OBJECT_CHANGED. A second call
// is harmless. Thread: the main thread.
void add_object_commands(CommandRegistry& commands);

// Returns the text of `--object help` (no type) or `--object TYPE,help`: "  poll-max-ns=<int>   - description
// (default: 0)" for each property that can be set. Returns nullopt for a type that users cannot create.
std::optional<std::string> object_help(std::string_view type_name = {});

}  // namespace qomio

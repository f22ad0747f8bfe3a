// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace qomio {

class Interface;

// Registers object, interface, container and user-creatable, and the commands about objects (qom-*,
// object-*). The registrations of the other libraries call it. Thread-safe; calling it again does nothing.
void register_object_types();

// qom-list, qom-get, qom-set, qom-set-many, qom-list-get, qom-list-types, qom-list-properties, object-add,
// object-del, and those of object/internal/text_commands.h.
void add_object_commands(Interface& interface);

// What `--object help` prints (no type), or `--object TYPE,help`: "  poll-max-ns=<int>   - description
// (default: 0)" for each property that can be set. Nothing for a type that users can't make.
std::optional<std::string> object_help(std::string_view type_name = {});

}  // namespace qomio

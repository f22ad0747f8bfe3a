// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/object/object_commands.h"
#include "qomio/qapi/command_registry.h"

namespace qomio {

// Returns a registry with the commands and events for objects.
inline CommandRegistry& object_registry() {
  static CommandRegistry& commands = [] -> CommandRegistry& {
    static CommandRegistry made;
    add_object_commands(made);
    return made;
  }();
  return commands;
}

}  // namespace qomio

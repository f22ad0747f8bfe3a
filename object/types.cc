// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/types.h"

#include "qomio/object/config.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/tree.h"
#include "qomio/object/type.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/invariant.h"

namespace qomio {
namespace {

// The root of all interfaces.
constinit const TypeInfo kInterface{.name = "interface", .abstract = true};

}  // namespace

void register_object_types() {
  [[maybe_unused]] static const bool once = [] {
    for (const TypeInfo* info :
         {&Object::type_info, &kInterface, &Container::type_info, &UserCreatable::type_info}) {
      const auto registered = register_type(*info);
      invariant(registered.has_value(), "a basic type could not be registered");
    }
    add_object_commands(Interface::process());
    add_config_command(Interface::process());
    return true;
  }();
}

}  // namespace qomio

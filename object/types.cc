// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/types.h"

#include "qomio/object/config.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/tree.h"
#include "qomio/object/type.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {
void register_object_types() {
  [[maybe_unused]] static const bool kRegistered = [] {
    add_object_commands(Interface::process());
    add_config_command(Interface::process());
    return true;
  }();
}

}  // namespace qomio

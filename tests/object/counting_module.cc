// SPDX-License-Identifier: GPL-2.0-or-later
// A module that counts the calls of its register_types in `registrations` and has a command.
#include "qomio/object/module.h"
#include "qomio/qapi/command_registry.h"

extern "C" int registrations;
int registrations = 0;

extern "C" const qomio::ModuleInfo qomio_module{
    .abi = qomio::kModuleAbi,
    .register_types = []() -> qomio::Result<void> {
      ++registrations;
      return {};
    },
    .add_commands =
        [](qomio::CommandRegistry& commands) {
          commands.add(qomio::command("count", "does nothing", [] { return qomio::Result<void>(); }));
        }};

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/object/type.h"
#include "qomio/qapi/error.h"

// Modules are shared objects that are loaded at run time and register types. A module is one C++ file and
// needs no change to this project:
//
//     extern "C" const qomio::ModuleInfo qomio_module{
//         .abi = qomio::kModuleAbi,
//         .register_types = [] { return register_type(My::type_info); },
//         .add_commands = [](qomio::CommandRegistry& commands) { commands.add(...); },  // may be left out
//     };
//
// Compile it as position-independent code, against the installed headers. Module and program must share one
// copy of the library: with the static library, do not link it into the module, and let the program export
// all of its symbols. The CMake functions qomio_add_module() and qomio_loads_modules() do this. Example:
// examples/module.
namespace qomio {

class CommandRegistry;

// The version of the headers that a module and the program that loads it must both be built with: the layout
// of classes may change with every minor version.
inline constexpr const char* kModuleAbi = "qomio-0.1";

// A module exports this as `qomio_module`. Programs of all versions read `abi` first, so it must stay first.
struct ModuleInfo {
  const char* abi;
  // Called once, when the module is loaded.
  Result<void> (*register_types)();
  // Adds the module's commands and events. Null if it has none. Called each time that the module is loaded,
  // perhaps for another registry.
  void (*add_commands)(CommandRegistry& commands) = nullptr;
  // Do not set this. module_load() compares it with the program's register_type(), to detect a module that
  // contains its own copy of the library.
  Result<void> (*library)(const TypeInfo&) = &register_type;
};

// Loads a module, which registers its types and adds its commands to the registry. The module stays loaded.
// Loading it again only adds the commands again. A path without '/' is searched for as by dlopen(). Thread:
// the main thread. Errors: those of dlopen(); `'p' is not a qomio module`; `module 'p' is built for A, this
// program for B`; `module 'p' has a copy of the library of its own`; those of the module's register_types(),
// after which the types that it has already registered remain.
Result<void> module_load(CommandRegistry& commands, const std::string& path);

// The modules that were loaded, in this order, each once, by the path that was given; relative paths that
// contain '/' are made absolute.
const std::vector<std::string>& loaded_modules();

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/object/type.h"
#include "qomio/qapi/error.h"

// Types from shared objects that are loaded at run time. A module is one C++ file and needs no change of this
// project:
//
//     extern "C" const qomio::ModuleInfo qomio_module{
//         qomio::kModuleAbi, [](qomio::CommandRegistry& /*commands*/) { return register_type(My::type_info);
//         }};
//
// It is built against the installed headers, as position-independent code, with the library's symbols left to
// the program that loads it, which must offer all of them. The CMake package does both: qomio_add_module()
// and qomio_loads_modules(). Example: examples/module.
namespace qomio {

class CommandRegistry;

// What modules and programs must agree on: the version whose headers both were built with. The layout of
// classes may change with every minor version.
inline constexpr const char* kModuleAbi = "qomio-0.1";

// What a module exports as `qomio_module`. Programs of all versions read `abi` first, so it stays first.
struct ModuleInfo {
  const char* abi;
  // Registers the types of the module, and adds its commands and events if it has any.
  Result<void> (*init)(CommandRegistry& commands);
  // Left as it is: shows whose copy of the library the module would register its types with.
  Result<void> (*library)(const TypeInfo&) = &register_type;
};

// Loads a module, which registers its types and adds its commands; it stays loaded. Loading it again does
// nothing. A path without '/' is searched for as the dynamic linker does. Thread: the main thread. Errors:
// the dynamic linker's; `'p' is not a qomio module`; `module 'p' is built for A, this program for B`; `module
// 'p' has a copy of the library of its own`; those of the registration, after which the types that it has
// registered before stay.
Result<void> module_load(CommandRegistry& commands, const std::string& path);

// Those that were loaded, in this order, each once: as they were named, relative paths made absolute.
const std::vector<std::string>& loaded_modules();

}  // namespace qomio

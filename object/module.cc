// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/module.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace qomio {
namespace {

constinit std::vector<std::string> names_of_loaded;
constinit std::vector<void*> handles_of_loaded;

// Returns a name of the module that does not depend on the working directory.
std::string lasting_name(const std::string& path) {
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed);
  return failed || !path.contains('/') ? path : absolute.lexically_normal().string();
}

Result<void> check(const ModuleInfo* info, const std::string& path) {
  if (!info || !info->abi) return error("'{}' is not a qomio module", path);
  if (std::string_view(info->abi) != kModuleAbi) {
    return error("module '{}' is built for {}, this program for {}", path, info->abi, kModuleAbi);
  }
  if (info->library != &register_type) {
    return error(
        "module '{}' has a copy of the library of its own, where this program does not see its types: "
        "build it with qomio_add_module(), and the program with qomio_loads_modules()",
        path);
  }
  if (!info->register_types) return error("module '{}' has no function that registers its types", path);
  return {};
}

}  // namespace

Result<void> module_load(CommandRegistry& commands, const std::string& path) {
  if (path.contains('\0')) return error("could not load module '{}': its path contains a NUL byte", path);
  // RTLD_NOW resolves all symbols here, so that a missing one is an error and does not abort the program
  // later.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const std::string reason = dlerror();
    const bool lacks_library = reason.contains("undefined symbol") && reason.contains("qomio");
    return error("could not load module '{}': {}{}", path, reason,
                 lacks_library ? ": a program that loads modules is linked with qomio_loads_modules()" : "");
  }
  const auto* info = static_cast<const ModuleInfo*>(dlsym(handle, "qomio_module"));
  // dlopen() returns the same handle for all names of a shared object.
  if (std::ranges::find(handles_of_loaded, handle) != handles_of_loaded.end()) {
    dlclose(handle);
  } else {
    if (auto r = check(info, path); !r) {
      dlclose(handle);
      return r;
    }
    // From here on the module stays loaded, because classes refer to its code.
    if (auto r = info->register_types(); !r) {
      r.error().prepend("module '" + path + "': ");
      return r;
    }
    names_of_loaded.push_back(lasting_name(path));
    handles_of_loaded.push_back(handle);
  }
  if (info->add_commands) info->add_commands(commands);
  return {};
}

const std::vector<std::string>& loaded_modules() { return names_of_loaded; }

}  // namespace qomio

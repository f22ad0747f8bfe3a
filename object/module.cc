// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/module.h"

#include <dlfcn.h>

#include <string_view>

namespace qomio {

Result<void> module_load(const std::string& path) {
  // Everything is resolved at once, so that a missing symbol is an error here and not an abort later.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return error("could not load module '{}': {}", path, dlerror());
  auto unload = [&](std::unexpected<Error> reason) -> Result<void> {
    dlclose(handle);
    return reason;
  };
  const auto* info = static_cast<const ModuleInfo*>(dlsym(handle, "qomio_module"));
  if (!info || !info->abi) return unload(error("'{}' is no qomio module", path));
  if (std::string_view(info->abi) != kModuleAbi) {
    return unload(error("module '{}' is built for {}, this program for {}", path, info->abi, kModuleAbi));
  }
  // From here on the handle is kept: classes refer to the module's code.
  if (auto r = info->register_types(); !r) {
    r.error().prepend("module '" + path + "': ");
    return r;
  }
  return {};
}

}  // namespace qomio

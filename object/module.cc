// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/module.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

namespace qomio {
namespace {

constinit std::vector<std::string> names_of_loaded;

// What names the module wherever the program is started.
std::string lasting_name(const std::string& path) {
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed);
  return failed || !path.contains('/') ? path : absolute.lexically_normal().string();
}

}  // namespace

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
  std::string name = lasting_name(path);
  if (std::ranges::find(names_of_loaded, name) == names_of_loaded.end())
    names_of_loaded.push_back(std::move(name));
  return {};
}

const std::vector<std::string>& loaded_modules() { return names_of_loaded; }

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include <dlfcn.h>
#include <glib.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "qomio/qapi/qmp_server.h"
#include "qomio/tools/qomiod/service.h"

namespace qomiod {

using namespace qomio;

namespace {

// libsystemd, loaded only if the service manager passes sockets or has a watchdog: loading it and its
// dependencies takes a quarter of the daemon's start-up time and memory.
struct Systemd {
  decltype(&::sd_listen_fds_with_names) listen_fds_with_names = nullptr;
  decltype(&::sd_watchdog_enabled) watchdog_enabled = nullptr;

  // Null if the service manager has set neither, or if the library cannot be used.
  static const Systemd* get() {
    static const Systemd loaded = load();
    return loaded.watchdog_enabled ? &loaded : nullptr;
  }

 private:
  static Systemd load() {
    constexpr std::array kSetByTheManager{"LISTEN_FDS", "WATCHDOG_USEC"};
    if (std::ranges::none_of(kSetByTheManager, [](const char* name) { return std::getenv(name) != nullptr; }))
      return {};
    void* const library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      g_log("qomio", G_LOG_LEVEL_WARNING, "the service manager is not notified: %s", dlerror());
      return {};
    }
    const auto find = [&]<class Function>(Function& function, const char* name) {
      function = reinterpret_cast<Function>(dlsym(library, name));
      return function != nullptr;
    };
    Systemd systemd;
    const bool complete = find(systemd.listen_fds_with_names, "sd_listen_fds_with_names") &&
                          find(systemd.watchdog_enabled, "sd_watchdog_enabled");
    return complete ? systemd : Systemd{};
  }
};

}  // namespace

Result<void> Service::take_sockets(QmpServer& server) {
  const Systemd* const systemd = Systemd::get();
  if (!systemd) return {};
  char** names = nullptr;
  const int count = systemd->listen_fds_with_names(1, &names);
  if (count < 0) return errno_error(-count, "cannot take the sockets of the service manager");
  Result<void> result;
  for (int i = 0; i < count; ++i) {
    const bool read_only = names && std::string_view(names[i]) == "read-only";
    if (result) result = server.serve(SD_LISTEN_FDS_START + i, read_only ? Access::read_only : Access::full);
    if (names) std::free(names[i]);
  }
  std::free(static_cast<void*>(names));
  if (!result) result.error().prepend("socket of the service manager: ");
  return result;
}

std::uint64_t Service::watchdog_period_us() {
  const Systemd* const systemd = Systemd::get();
  std::uint64_t period_us = 0;
  return systemd && systemd->watchdog_enabled(0, &period_us) > 0 ? period_us : 0;
}

}  // namespace qomiod

// SPDX-License-Identifier: GPL-2.0-or-later
#include <glib.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "qomio/qapi/interface.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/tools/qomiod/service.h"

namespace qomiod {

using namespace qomio;

Service::Service() {
  shutdown_ = Interface::process().listen([](std::string_view name, const Json&) {
    if (name == "SHUTDOWN") sd_notify(0, "STOPPING=1");
  });
}

Service::~Service() {
  if (watchdog_ != 0) g_source_remove(watchdog_);
}

Result<void> Service::take_sockets(QmpServer& server) {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  if (count < 0) return errno_error(-count, "cannot take the sockets of the service manager");
  Result<void> result;
  for (int i = 0; i < count; ++i) {
    const bool read_only = names && std::string_view(names[i]) == "read-only";
    if (result) result = server.serve(SD_LISTEN_FDS_START + i, read_only ? Access::read_only : Access::full);
    if (names) std::free(names[i]);
  }
  std::free(static_cast<void*>(names));
  return result;
}

void Service::ready() {
  std::uint64_t period_us = 0;
  if (sd_watchdog_enabled(0, &period_us) > 0) {
    const auto alive = [](gpointer) -> gboolean {
      sd_notify(0, "WATCHDOG=1");
      return G_SOURCE_CONTINUE;
    };
    watchdog_ =
        g_timeout_add(static_cast<guint>(std::max<std::uint64_t>(period_us / 2000, 1)), alive, nullptr);
  }
  sd_notify(0, "READY=1");
}

}  // namespace qomiod

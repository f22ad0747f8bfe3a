// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/service.h"

#include <glib.h>

#include <algorithm>
#include <string_view>

#include "qomio/iothread/main_loop.h"

namespace qomiod {

using namespace qomio;

Service::Service(MainLoop& main_loop)
    : stopping_(main_loop.on_shut_down([this](ShutdownCause) { manager_.send("STOPPING=1"); })) {}

Service::~Service() {
  if (watchdog_ != 0) g_source_remove(watchdog_);
}

void Service::ready() {
  manager_.send("READY=1");
  const std::uint64_t period_us = watchdog_period_us();
  if (period_us == 0) return;
  const auto alive = [](gpointer self) -> gboolean {
    static_cast<Service*>(self)->manager_.send_or_drop("WATCHDOG=1");
    return G_SOURCE_CONTINUE;
  };
  const auto half_ms = std::clamp<std::uint64_t>(period_us / 2000, 1, G_MAXUINT);
  watchdog_ = g_timeout_add(static_cast<guint>(half_ms), alive, this);
}

}  // namespace qomiod

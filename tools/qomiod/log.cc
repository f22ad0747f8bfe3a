// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/log.h"

#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "qomio/tools/qomiod/log_stream.h"

namespace qomiod {
namespace {

// In the order of GLib's flags, from G_LOG_LEVEL_ERROR on.
constexpr std::array<std::string_view, 6> kLevels{"critical", "error", "warning", "info", "debug", "trace"};

std::size_t level_of(GLogLevelFlags flags) {
  const auto bits = static_cast<unsigned>(flags & G_LOG_LEVEL_MASK) / G_LOG_LEVEL_ERROR;
  return std::min(static_cast<std::size_t>(std::countr_zero(bits)), kLevels.size() - 1);
}

std::size_t shown_levels = 0;  // how many of kLevels are shown
LogStream* log_stream =
    nullptr;  // of standard error; never destroyed, since threads may log until the process ends

// Called by GLib in the thread that logs.
void take_message(const gchar* domain, GLogLevelFlags flags, const gchar* message, gpointer /*data*/) {
  const std::size_t level = level_of(flags);
  if (level >= shown_levels) return;
  std::string line = "qomiod: ";
  line += kLevels.at(level);
  line += ": ";
  const std::string_view from = domain ? domain : "";
  if (!from.empty() && from != "qomio") {
    line += from;
    line += ": ";
  }
  line += message;
  line += '\n';
  log_stream->write(line);
}

}  // namespace

qomio::Result<void> set_up_log(const std::string& level_name) {
  const auto level = std::ranges::find(kLevels, level_name);
  if (level == kLevels.end() && level_name != "off") {
    return qomio::error("expected trace, debug, info, warning, error, critical or off");
  }
  shown_levels = level_name == "off" ? 0 : static_cast<std::size_t>(level - kLevels.begin()) + 1;
  if (!log_stream) log_stream = new LogStream(STDERR_FILENO);
  g_log_set_default_handler(take_message, nullptr);
  return {};
}

}  // namespace qomiod

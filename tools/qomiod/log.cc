// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/log.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <string_view>

namespace qomiod {
namespace {

// In the order of GLib's flags, from G_LOG_LEVEL_ERROR on.
constexpr std::array<std::string_view, 6> kLevels{"critical", "error", "warning", "info", "debug", "trace"};

std::size_t level_of(GLogLevelFlags flags) {
  const auto bits = static_cast<unsigned>(flags & G_LOG_LEVEL_MASK) / G_LOG_LEVEL_ERROR;
  return std::min(static_cast<std::size_t>(std::countr_zero(bits)), kLevels.size() - 1);
}

std::size_t shown_levels = 0;  // the first so many

// GLib calls it in whatever thread has something to say.
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
  (void)std::fputs(line.c_str(), stderr);  // at once, so that lines of several threads don't mix
}

}  // namespace

qomio::Result<void> set_up_log(const std::string& level_name) {
  const auto level = std::ranges::find(kLevels, level_name);
  if (level == kLevels.end() && level_name != "off") {
    return qomio::error("expected trace, debug, info, warning, error, critical or off");
  }
  shown_levels = level_name == "off" ? 0 : static_cast<std::size_t>(level - kLevels.begin()) + 1;
  g_log_set_default_handler(take_message, nullptr);
  return {};
}

}  // namespace qomiod

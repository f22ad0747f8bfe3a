// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomiod/log.h"

#include <glib.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string_view>

namespace qomiod {
namespace {

spdlog::level::level_enum level_of(GLogLevelFlags flags) {
  if (flags & G_LOG_LEVEL_ERROR) return spdlog::level::critical;
  if (flags & G_LOG_LEVEL_CRITICAL) return spdlog::level::err;
  if (flags & G_LOG_LEVEL_WARNING) return spdlog::level::warn;
  if (flags & G_LOG_LEVEL_MESSAGE) return spdlog::level::info;
  if (flags & G_LOG_LEVEL_INFO) return spdlog::level::debug;
  return spdlog::level::trace;
}

// GLib calls it in whatever thread has something to say.
void take_message(const gchar* domain, GLogLevelFlags flags, const gchar* message, gpointer /*data*/) {
  const std::string_view from = domain ? domain : "";
  if (from.empty() || from == "qomio") {
    spdlog::log(level_of(flags), "{}", message);
  } else {
    spdlog::log(level_of(flags), "{}: {}", from, message);
  }
}

}  // namespace

qomio::Result<void> set_up_log(const std::string& level_name) {
  const auto level = spdlog::level::from_str(level_name);
  if (level == spdlog::level::off && level_name != "off") {
    return qomio::error("expected trace, debug, info, warning, error, critical or off");
  }
  auto logger = spdlog::stderr_logger_mt("qomiod");
  logger->set_pattern("%n: %l: %v");
  logger->set_level(level);
  spdlog::set_default_logger(std::move(logger));
  g_log_set_default_handler(take_message, nullptr);
  return {};
}

}  // namespace qomiod

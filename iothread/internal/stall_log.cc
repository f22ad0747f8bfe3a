// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/stall_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace qomio::internal {

namespace {

std::string seconds_text(std::int64_t ns) { return fmt::format("{:.3f} s", static_cast<double>(ns) * 1e-9); }

std::string stall_line(const StallLog::Stall& stall, std::string_view verb) {
  return fmt::format("{} {} {} for {}: {}", stall.who, verb, stall.what, seconds_text(stall.ns), stall.call);
}

}  // namespace

std::optional<std::string> StallLog::began(std::int64_t now_ns, const Stall& stall) {
  const std::lock_guard lock(mutex_);
  if (now_ns < pause_end_ns_) {
    ++counted_;
    longest_counted_ns_ = std::max(longest_counted_ns_, stall.ns);
    return std::nullopt;
  }
  pause_end_ns_ = now_ns + kPauseNs;
  logged_.insert(stall.who);
  return stall_line(stall, "has been");
}

std::optional<std::string> StallLog::ended(const Stall& stall) {
  const std::lock_guard lock(mutex_);
  if (logged_.erase(stall.who) != 0) return stall_line(stall, "was");
  longest_counted_ns_ = std::max(longest_counted_ns_, stall.ns);
  return std::nullopt;
}

std::optional<std::string> StallLog::counted(std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (counted_ == 0 || now_ns < pause_end_ns_) return std::nullopt;
  pause_end_ns_ = now_ns + kPauseNs;
  return fmt::format("{} more stalls, the longest {}", std::exchange(counted_, 0),
                     seconds_text(std::exchange(longest_counted_ns_, 0)));
}

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/aio_stats.h"

#include "qomio/iothread/timer.h"

namespace qomio::detail {

LoopTimes::Reading LoopTimes::read() const {
  // With a loop that changes faster than this can look, what was shown before must do.
  constexpr int kMostTries = 1000;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < kMostTries; ++i) {
    const Values values = get();
    const std::int64_t now = clock_now_ns();
    if (get() != values) continue;

    std::array<std::uint64_t, 3> times{};
    std::ranges::transform(values, times.begin(),
                           [now](std::int64_t value) { return StatStopwatch::time_ns(value, now); });
    // The loop may have read the clock for its next step without having told yet. Then the time from there on
    // was shown as part of what ran, and is now part of another; it stays where it was shown.
    std::uint64_t excess = 0;
    for (std::size_t part = 0; part < times.size(); ++part) {
      if (times[part] >= shown_[part]) continue;
      excess += shown_[part] - times[part];
      times[part] = shown_[part];
    }
    for (std::size_t part = 0; part < times.size(); ++part) {
      const std::uint64_t taken = std::min(excess, times[part] - shown_[part]);
      times[part] -= taken;
      excess -= taken;
    }
    shown_ = times;
    break;
  }
  return {.poll_ns = shown_[0], .blocked_ns = shown_[1], .busy_ns = shown_[2]};
}

}  // namespace qomio::detail

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/loop_counters.h"

#include "qomio/iothread/internal/clock.h"

namespace qomio::internal {

LoopTimes::Reading LoopTimes::read() const {
  // If the loop changes the values faster than this can read them, this returns the previous values.
  constexpr int kMostTries = 1000;
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < kMostTries; ++i) {
    const Values values = get();
    const std::int64_t now = clock_now_ns();
    if (get() != values) continue;

    std::array<std::uint64_t, 3> times{};
    std::ranges::transform(values, times.begin(),
                           [now](std::int64_t value) { return StatStopwatch::time_ns(value, now); });
    // The loop may have read the clock for its next step without having stored that yet. The time since then
    // was reported as part of the previous activity and now belongs to the next; it stays where it was
    // reported.
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

void LoopCounters::read_into(LoopStats& stats) const {
  for (std::size_t i = 0; i < counters_.size(); ++i) stats.values[i] = counters_[i].get();
  const LoopTimes::Reading shown = times.read();
  stats[LoopStat::poll_ns] = shown.poll_ns;
  stats[LoopStat::blocked_ns] = shown.blocked_ns;
  stats[LoopStat::busy_ns] = shown.busy_ns;
  stats[LoopStat::max_lag_ns] = lags.longest_ns();
  stats.lags = lags.counts();
  stats.poll_state = poll_state.load(std::memory_order_relaxed);
  for (const LoopStatInfo& row : kLoopStats) {
    if (row.derived) stats[row.stat] = row.derived(stats);
  }
}

}  // namespace qomio::internal

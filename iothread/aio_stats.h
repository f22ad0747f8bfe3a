// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/internal/poll_controller.h"

namespace qomio {

// How long rounds of a loop have taken, polling and sleeping left out: lags[0] counts those of up to
// kLagBoundsNs[0], lags[i] longer ones of up to kLagBoundsNs[i], and the last those that took longer still.
inline constexpr std::array<std::uint64_t, 6> kLagBoundsNs{10'000,     100'000,     1'000'000,
                                                           10'000'000, 100'000'000, 1'000'000'000};
using LagCounts = std::array<std::uint64_t, kLagBoundsNs.size() + 1>;

// What a loop has done since it was made. A value; times in ns. poll_ns, blocked_ns and busy_ns don't
// overlap, and leave nothing out from the loop's first iteration on: what goes on at the moment is in there
// as well.
struct AioStats {
  std::uint64_t iterations = 0;
  std::uint64_t polls = 0;  // busy polls: poll_hits + poll_misses
  std::uint64_t poll_hits = 0;
  std::uint64_t poll_misses = 0;
  std::uint64_t poll_ns = 0;
  std::uint64_t poll_miss_ns = 0;
  std::uint64_t blocked_ns = 0;      // asleep in the fd monitor
  std::uint64_t busy_ns = 0;         // in callbacks, and all else that is neither polling nor sleeping
  std::uint64_t wakeups = 0;         // returns from a sleep
  std::uint64_t wakeups_elided = 0;  // notifications that needed no system call
  std::uint64_t wakeup_cost_ns = 0;  // running mean, from an event's arrival to the end of the sleep
  std::uint64_t bh_runs = 0;
  std::uint64_t fd_events = 0;  // handler calls for ready descriptors, except the loop's own notifier
  std::uint64_t timers_fired = 0;
  std::uint64_t poll_window_ns = 0;  // of the next busy poll
  std::uint64_t max_lag_ns = 0;      // longest round, polling and sleeping left out
  LagCounts lags{};
  FdMonitorKind fd_monitor = FdMonitorKind::poll;
  std::size_t handlers = 0;  // descriptors watched, without the loop's own notifier
  std::size_t polled_handlers = 0;
  std::size_t pool_threads = 0;  // of the thread pool, idle or not
  std::size_t pool_pending = 0;  // jobs whose completion hasn't been called yet
  PollParams effective;          // with the values in force in place of zeros
  std::int64_t effective_aio_max_batch = 0;
};

namespace detail {

// A number that one thread writes and any thread reads: no lock, and no locked instruction.
class StatCounter {
 public:
  void add(std::uint64_t amount) { set(get() + amount); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  void raise_to(std::uint64_t value) {
    if (value > get()) set(value);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// Time spent in something, likewise. While it goes on, readers see it grow: a loop may sleep, or hang, for
// hours.
class StatStopwatch {
 public:
  // Nothing, if it runs already.
  void start(std::int64_t now_ns) {
    if (const std::int64_t value = get(); value >= 0) value_.store(value - now_ns, std::memory_order_release);
  }
  // Nothing, if it doesn't run.
  void stop(std::int64_t now_ns) {
    if (const std::int64_t value = get(); value < 0) value_.store(value + now_ns, std::memory_order_release);
  }
  // While it is stopped.
  std::uint64_t total_ns() const { return static_cast<std::uint64_t>(get()); }

  // Any thread. Stopped: the time. Running: the time less that of the clock at the start, which is negative,
  // since the clock began before. Who sees one started sees the one before it stopped.
  std::int64_t get() const { return value_.load(std::memory_order_acquire); }
  // The time that such a number stands for.
  static std::uint64_t time_ns(std::int64_t value, std::int64_t now_ns) {
    return static_cast<std::uint64_t>(value >= 0 ? value : std::max<std::int64_t>(value + now_ns, 0));
  }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

// Where the time of a loop goes: at most one of the three runs, and none for moments in between.
class LoopTimes {
 public:
  StatStopwatch poll, blocked, busy;

  struct Reading {
    std::uint64_t poll_ns = 0, blocked_ns = 0, busy_ns = 0;
  };
  // Any thread; readers take a lock among themselves. Nothing is ever less than before, and the sum never
  // more than there was time.
  Reading read() const;

 private:
  using Values = std::array<std::int64_t, 3>;
  Values get() const { return {poll.get(), blocked.get(), busy.get()}; }

  alignas(64) mutable std::mutex mutex_;
  mutable std::array<std::uint64_t, 3> shown_{};
};

// Rounds, which end one after the other.
class LagCounters {
 public:
  // One has ended; busy_ns: the time of all until now.
  void end_round(std::uint64_t busy_ns) {
    const std::uint64_t lag_ns = busy_ns - std::exchange(busy_ns_before_, busy_ns);
    longest_ns_.raise_to(lag_ns);
    if (lag_ns <= kLagBoundsNs[0]) [[likely]] {
      counts_[0].add(1);
      return;
    }
    std::size_t i = 1;
    while (i < kLagBoundsNs.size() && lag_ns > kLagBoundsNs[i]) ++i;
    counts_[i].add(1);
  }
  // Any thread.
  std::uint64_t longest_ns() const { return longest_ns_.get(); }
  LagCounts counts() const {
    LagCounts counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = counts_[i].get();
    return counts;
  }

 private:
  std::uint64_t busy_ns_before_ = 0;
  StatCounter longest_ns_;
  std::array<StatCounter, kLagBoundsNs.size() + 1> counts_;
};

// The home thread's side of AioStats.
struct AioCounters {
  StatCounter iterations, poll_hits, poll_misses, poll_miss_ns, wakeups, wakeups_elided, wakeup_cost_ns,
      bh_runs, fd_events, timers_fired, poll_window_ns;
  LagCounters lags;
  LoopTimes times;
};

}  // namespace detail

}  // namespace qomio

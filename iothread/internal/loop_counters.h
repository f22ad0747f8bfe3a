// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "qomio/iothread/loop_stats.h"

namespace qomio::internal {

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

// The time spent in an activity; also written by one thread. Readers see it grow during the activity, since a
// loop may sleep, or hang, for hours.
class StatStopwatch {
 public:
  // Does nothing if it is running.
  void start(std::int64_t now_ns) {
    if (const std::int64_t value = get(); value >= 0) value_.store(value - now_ns, std::memory_order_release);
  }
  // Does nothing unless it is running.
  void stop(std::int64_t now_ns) {
    if (const std::int64_t value = get(); value < 0) value_.store(value + now_ns, std::memory_order_release);
  }
  // The stopwatch must be stopped.
  std::uint64_t total_ns() const { return static_cast<std::uint64_t>(get()); }

  // Any thread. Stopped: the time. Running: the time minus the clock's reading at the start, which is
  // negative, since the clock has run for longer. A reader that sees a stopwatch running sees the previous
  // one stopped.
  std::int64_t get() const { return value_.load(std::memory_order_acquire); }
  // Converts a value of get() to a time.
  static std::uint64_t time_ns(std::int64_t value, std::int64_t now_ns) {
    return static_cast<std::uint64_t>(value >= 0 ? value : std::max<std::int64_t>(value + now_ns, 0));
  }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

// How a loop spends its time. At most one of the three runs; none runs while the loop switches from one to
// another.
class LoopTimes {
 public:
  StatStopwatch poll, blocked, busy;

  struct Reading {
    std::uint64_t poll_ns = 0, blocked_ns = 0, busy_ns = 0;
  };
  // Any thread; readers serialise on a mutex that the writer never takes. Values never decrease, and their
  // sum never exceeds the time that has passed.
  Reading read() const;

 private:
  using Values = std::array<std::int64_t, 3>;
  Values get() const { return {poll.get(), blocked.get(), busy.get()}; }

  alignas(64) mutable std::mutex mutex_;
  mutable std::array<std::uint64_t, 3> shown_{};
};

// Counts iterations by how long they took.
class LagCounters {
 public:
  // Called when an iteration has ended. busy_ns: the total busy time so far.
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

// The home thread's side of LoopStats: one writer, any reader.
class LoopCounters {
 public:
  StatCounter& operator[](LoopStat stat) { return counters_[static_cast<std::size_t>(stat)]; }

  LagCounters lags;
  LoopTimes times;
  std::atomic<PollState> poll_state = PollState::off;

  // Any thread. Stores all values that are counted here, and the ones derived from them.
  void read_into(LoopStats& stats) const;

 private:
  std::array<StatCounter, kLoopStats.size()> counters_;
};

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

namespace qomio {

// monotonic never jumps; realtime follows the wall clock. When the wall clock is set, a sleeping loop notices
// within a second.
enum class ClockType { monotonic, realtime };

inline std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}
// Thread-safe. The time of that clock, in ns; that of the TestClock, if there is one.
std::int64_t clock_now_ns(ClockType clock = ClockType::monotonic);

namespace internal {

// The time that a TestClock shows.
struct TestTime {
  std::atomic<std::int64_t> monotonic_ns;
  std::atomic<std::int64_t> realtime_ns;
};
// Null: there is no TestClock.
extern constinit std::atomic<const TestTime*> test_time;

}  // namespace internal

}  // namespace qomio

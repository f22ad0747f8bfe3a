// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/clock.h"

#include <ctime>

namespace qomio {

constinit std::atomic<const internal::TestTime*> internal::test_time = nullptr;

std::int64_t clock_now_ns(ClockType clock) {
  if (const auto* const test = internal::test_time.load(std::memory_order_acquire)) [[unlikely]]
    return clock == ClockType::monotonic ? test->monotonic_ns.load() : test->realtime_ns.load();
  timespec now;
  ::clock_gettime(clock == ClockType::monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
  return to_ns(now);
}

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/clock.h"

#include <ctime>

namespace qomio {

std::int64_t clock_now_ns(ClockType clock) {
  timespec now;
  ::clock_gettime(clock == ClockType::monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
  return to_ns(now);
}

}  // namespace qomio

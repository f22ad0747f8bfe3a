// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/aio_stats.h"

#include "qomio/iothread/timer.h"

namespace qomio::detail {

std::uint64_t StatStopwatch::read_ns() const {
  for (;;) {
    const std::int64_t value = get();
    if (value >= 0) return static_cast<std::uint64_t>(value);
    // Started before this reading of the clock and stopped after it, if it runs still.
    const std::int64_t now = clock_now_ns();
    if (get() == value) return static_cast<std::uint64_t>(value + now);
  }
}

}  // namespace qomio::detail

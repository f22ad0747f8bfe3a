// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/waker.h"

#include "qomio/iothread/internal/clock.h"

namespace qomio::internal {

constinit thread_local const Waker* waker_of_thread = nullptr;

void Waker::signal() {
  stamp_ns_.store(clock_now_ns(), std::memory_order_release);
  notifier_.signal();
}

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for a condition while loops go on.
#include <unistd.h>

#include <algorithm>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/invariant.h"

namespace qomio {

void AioContext::wait_while(const std::function<bool()>& condition) {
  invariant(in_home_thread() || ::gettid() == ::getpid(), "only the main thread waits for another loop");
  AioContext* const own = current();
  invariant(own != nullptr, "who waits for a loop iterates its own");
  {
    const std::lock_guard lock(waiter_mutex_);
    waiting_loops_.emplace_back(*own);
  }
  // Both sides exchange: either wait_kick() sees the waiter, or the condition is seen as it is after the
  // change.
  waiters_.fetch_add(1, std::memory_order_acq_rel);
  while (condition()) own->poll(true);
  waiters_.fetch_sub(1, std::memory_order_acq_rel);
  const std::lock_guard lock(waiter_mutex_);
  waiting_loops_.erase(std::ranges::find(waiting_loops_, own, &Ref<AioContext>::get));
}

void AioContext::wait_kick() {
  if (waiters_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  const std::lock_guard lock(waiter_mutex_);
  for (const Ref<AioContext>& loop : waiting_loops_) loop->schedule_oneshot([] {});
}

}  // namespace qomio

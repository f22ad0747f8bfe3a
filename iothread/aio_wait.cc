// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for a condition while loops go on.
#include <unistd.h>

#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/invariant.h"

namespace qomio {

void AioContext::wait_while(const std::function<bool()>& condition) {
  invariant(in_home_thread() || ::gettid() == ::getpid(), "only the main thread waits for another loop");
  AioContext* const own = current();
  invariant(own != nullptr, "who waits for a loop iterates its own");
  Ref<AioContext> outer;
  {
    const std::lock_guard lock(waiter_mutex_);
    outer = std::exchange(waiter_, Ref<AioContext>(*own));
  }
  // Both sides exchange: either wait_kick() sees the waiter, or the condition is seen as it is after the
  // change.
  waiters_.fetch_add(1, std::memory_order_acq_rel);
  while (condition()) own->poll(true);
  waiters_.fetch_sub(1, std::memory_order_acq_rel);
  const std::lock_guard lock(waiter_mutex_);
  waiter_ = std::move(outer);
}

void AioContext::wait_kick() {
  if (waiters_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  const std::lock_guard lock(waiter_mutex_);
  if (waiter_) waiter_->schedule_oneshot([] {});
}

}  // namespace qomio

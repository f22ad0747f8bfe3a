// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for a condition while loops go on.
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {

// One frame inside wait_while().
struct AioContext::Waiter {
  Waiter(AioContext& of, AioContext& iterated) : waited_for(of), own(iterated) {
    const std::lock_guard lock(of.waiter_mutex_);
    next = std::exchange(of.first_waiter_, this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    const std::lock_guard lock(waited_for.waiter_mutex_);
    Waiter** place = &waited_for.first_waiter_;
    while (*place != this) place = &(*place)->next;
    *place = next;
  }

  AioContext& waited_for;
  AioContext& own;  // is iterated meanwhile
  Waiter* next = nullptr;
};

bool AioContext::wait_while(FunctionRef<bool()> condition) {
  invariant(in_home_thread() || in_main_thread(),
            "AioContext::wait_while() of another loop is called outside the main thread; wait in the main "
            "thread or in that loop");
  AioContext* const own = current();
  invariant(own != nullptr, "AioContext::wait_while() is called in a thread that has no current AioContext");
  const Waiter waiter(*this, *own);
  // Both sides exchange: either wait_kick() sees the waiter, or the condition is seen as it is after the
  // change.
  waiters_.fetch_add(1, std::memory_order_acq_rel);
  const auto is_over = [&] {
    try {
      return !condition();
    } catch (...) {
      exception_left("condition of AioContext::wait_while()");
    }
  };
  bool over = false;
  while (!(over = is_over()) && !given_up_.load(std::memory_order_acquire)) own->poll(true);
  waiters_.fetch_sub(1, std::memory_order_acq_rel);
  return over;
}

void AioContext::wait_kick() {
  if (waiters_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  const std::lock_guard lock(waiter_mutex_);
  // Its loop is there as long as the waiter, whose list is locked.
  for (const Waiter* waiter = first_waiter_; waiter; waiter = waiter->next) waiter->own.notify();
}

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/wait_list.h"

#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio::internal {

// One frame inside wait_while().
class WaitList::Waiter {
 public:
  Waiter(WaitList& list, AioContext& iterated) : own(iterated), list_(list) {
    const std::lock_guard lock(list.mutex_);
    next = std::exchange(list.first_, this);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    const std::lock_guard lock(list_.mutex_);
    Waiter** place = &list_.first_;
    while (*place != this) place = &(*place)->next;
    *place = next;
  }

  AioContext& own;
  Waiter* next = nullptr;

 private:
  WaitList& list_;
};

bool WaitList::wait_while(AioContext& own, FunctionRef<bool()> condition) {
  const Waiter waiter(*this, own);
  // Both sides modify count_ atomically: either kick() sees the waiter, or the waiter sees the condition as
  // it is after the change.
  count_.fetch_add(1, std::memory_order_acq_rel);
  const auto is_over = [&] {
    try {
      return !condition();
    } catch (...) {
      exception_left("condition of AioContext::wait_while()");
    }
  };
  bool over = false;
  while (!(over = is_over()) && !given_up_.load(std::memory_order_acquire)) own.poll(true);
  count_.fetch_sub(1, std::memory_order_acq_rel);
  return over;
}

void WaitList::kick() {
  if (count_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  const std::lock_guard lock(mutex_);
  // A waiter's loop exists as long as the waiter, and the list is locked.
  for (const Waiter* waiter = first_; waiter; waiter = waiter->next) waiter->own.notify();
}

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "qomio/iothread/internal/function_ref.h"

namespace qomio {

class AioContext;

namespace internal {

// The threads that wait for a condition of one loop, each of which iterates its own loop meanwhile.
class WaitList {
 public:
  // Iterates own, the calling thread's loop, until condition() is false or the loop is given up. Returns
  // false if condition() is still true.
  bool wait_while(AioContext& own, FunctionRef<bool()> condition);

  // Thread-safe. Makes all waiters evaluate their conditions again. Costs one atomic operation if there are
  // none.
  void kick();
  // Thread-safe. given_up: the loop had a home thread and has none now.
  void set_given_up(bool given_up) { given_up_.store(given_up, std::memory_order_release); }

 private:
  class Waiter;

  std::atomic<std::uint32_t> count_ = 0;  // frames inside wait_while()
  std::atomic<bool> given_up_ = false;
  std::mutex mutex_;         // guards first_
  Waiter* first_ = nullptr;  // list of waiters, each in its own stack frame
};

}  // namespace internal

}  // namespace qomio

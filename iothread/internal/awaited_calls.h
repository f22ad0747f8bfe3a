// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <mutex>
#include <utility>

#include "qomio/iothread/internal/function_ref.h"
#include "qomio/iothread/internal/post_queue.h"

namespace qomio {

class AioContext;

namespace internal {

// The loop to whose thread pool the calling thread belongs; null if none.
extern constinit thread_local AioContext* pool_of_thread;

// Implements AioContext::run_in(): the calls of one loop for which other threads wait.
class AwaitedCalls {
 public:
  explicit AwaitedCalls(PostQueue& queue) : queue_(queue) {}
  AwaitedCalls(const AwaitedCalls&) = delete;
  AwaitedCalls& operator=(const AwaitedCalls&) = delete;

  // Any thread except the home thread. Posts the call and waits. Returns false if it was not made and will
  // not be.
  bool run(FunctionRef<void()> function);

  // --- home thread ---

  // refused: run() returns false from now on; otherwise it makes calls again.
  void set_refused(bool refused);
  // The same for the threads of one loop, its home thread and its thread pool; null: refuses no loop. Returns
  // the previous value.
  const AioContext* set_refused_caller(const AioContext* caller);
  // Drops the calls that have not begun, either of one caller or, for null, all: their run() returns false.
  // The posts must have been taken from the queue before.
  void drop(const AioContext* caller);

 private:
  class Call;

  PostQueue& queue_;
  std::mutex mutex_;                            // guards the members below
  Call* first_ = nullptr;                       // list of calls, each in the stack frame of its run()
  bool refused_ = false;                        // run() returns false
  const AioContext* refused_caller_ = nullptr;  // the home thread waits for threads of this loop
};

}  // namespace internal

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <mutex>
#include <utility>

#include "qomio/iothread/internal/function_ref.h"
#include "qomio/iothread/internal/post_queue.h"

namespace qomio {

class AioContext;

namespace internal {

// The loop to whose thread pool the calling thread belongs; null if to none.
extern constinit thread_local AioContext* pool_of_thread;

// The calls of one loop that other threads wait for: AioContext::run_in().
class AwaitedCalls {
 public:
  explicit AwaitedCalls(PostQueue& queue) : queue_(queue) {}
  AwaitedCalls(const AwaitedCalls&) = delete;
  AwaitedCalls& operator=(const AwaitedCalls&) = delete;

  // Any thread except the home thread. Posts the call and waits. False: it was not made and will not be.
  bool run(FunctionRef<void()> function);

  // --- home thread, whose present posts have been taken from the queue ---

  // From now on, run() returns false, or no longer does.
  void set_refused(bool refused);
  // The same for calls by the threads of one loop: its home thread and its thread pool; null: no such loop.
  // Returns the loop before.
  const AioContext* set_refused_caller(const AioContext* caller);
  // Ends the calls that have not begun, those of one caller or (null) all: their run() returns false.
  void drop(const AioContext* caller);

 private:
  class Call;

  PostQueue& queue_;
  std::mutex mutex_;                            // guards the three
  Call* first_ = nullptr;                       // of a list of calls, each in the frame of its run()
  bool refused_ = false;                        // run() returns false
  const AioContext* refused_caller_ = nullptr;  // the home thread waits for threads of this loop
};

}  // namespace internal

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <coroutine>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/internal/task_promise.h"

namespace qomio::internal {

// A waiting coroutine, owned by its loop: a loop that ends destroys it with all coroutines that await it.
// Destroying the wait before that withdraws it.
class LoopWait : public LoopOwned {
 protected:
  LoopWait() = default;

  template <class Promise>
  void set_coroutine(std::coroutine_handle<Promise> self) {
    self_ = self;
    root_ = self.promise().root;
  }
  // Continues the coroutine in the loop's next iteration; the loop owns it until then. Called in the loop.
  // The last step, since it destroys the coroutine if the loop has ended.
  void run_in_next_iteration(AioContext& loop) {
    loop.schedule_oneshot([this] { run(); });
    loop.free_at_end(*this);
  }
  // Continues the coroutine. Called in the loop.
  void run() {
    take_back();
    run_coroutine(self_);
  }

 private:
  void destroy() final { root_.destroy(); }

  std::coroutine_handle<> self_;
  std::coroutine_handle<> root_;
};

// Base of the awaitables that can be cancelled, by the Cancellation they are passed and by the scope of their
// coroutine. A derived class implements cancel() and
//
//     template <class Promise>
//     void await_suspend(std::coroutine_handle<Promise> self) {
//       if (begin(self)) ... arranges that resume() is called
//       own();
//     }
class Awaiter : public CancellableWait, public LoopWait {
 public:
  explicit Awaiter(Cancellation* cancellation) : cancellation_(cancellation) {}
  // Only before the wait begins.
  Awaiter(Awaiter&& other) noexcept : Awaiter(other.cancellation_) {}
  Awaiter& operator=(Awaiter&&) = delete;

  bool await_ready() const { return cancellation_ && cancellation_->cancelled(); }
  // Returns true if the awaited event has occurred, false if the wait was cancelled.
  bool await_resume() const { return occurred_; }

 protected:
  ~Awaiter() override = default;

  // Returns false if the wait is cancelled already; the coroutine then continues in the next iteration.
  template <class Promise>
  bool begin(std::coroutine_handle<Promise> self) {
    set_coroutine(self);
    loop_ = AioContext::current();
    CancelState* const scope = self.promise().scope;
    if ((!cancellation_ || passed_.link(cancellation_->state(), *this, *loop_)) &&
        (!scope || scope_.link(*scope, *this, *loop_)))
      return true;
    resume_cancelled();
    return false;
  }
  // Lets the loop own the coroutine. The last step, since it destroys the coroutine if the loop has ended.
  void own() { loop_->free_at_end(*this); }
  AioContext& loop() const { return *loop_; }

  // The awaited event has occurred: the wait can no longer be cancelled.
  void occurred() {
    unlink();
    occurred_ = true;
  }
  // The same, and continues the coroutine now.
  void resume() {
    occurred();
    run();
  }
  // The same in the next iteration.
  void resume_later() {
    occurred_ = true;
    resume_cancelled();
  }
  // For cancel(): continues the coroutine in the next iteration.
  void resume_cancelled() {
    unlink();
    loop_->schedule_oneshot([this] { run(); });
  }

 private:
  void unlink() {
    passed_.reset();
    scope_.reset();
  }

  Cancellation* cancellation_;
  AioContext* loop_ = nullptr;
  bool occurred_ = false;
  CancelLink passed_;  // in the Cancellation
  CancelLink scope_;   // in the scope of the coroutine
};

}  // namespace qomio::internal

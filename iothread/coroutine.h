// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/task_promise.h"
#include "qomio/qapi/internal/invariant.h"

// Coroutines that run in loops:
//
//     Task<int> measure(AioContext& io) {
//       co_await reschedule_self(io);  // from here on in io's thread
//       co_await sleep_for(1ms);
//       co_return sample();
//     }
//     Task<> report(AioContext& io, AioContext& home) {
//       const int value = co_await measure(io);
//       co_await reschedule_self(home);
//       show(value);
//     }
//     co_schedule(home, report(io, home));
//
// An exception that leaves a coroutine aborts the program; return errors as Results.
//
// A loop that ends destroys the coroutines that wait in it. A waiting coroutine may own Timers and
// BottomHalves of its loop. If it owns a Ref to its loop, the loop lives until AioContext::close(), which
// IOThread and MainLoop call.
namespace qomio {

// A coroutine that has not started. It starts when it is awaited or passed to co_schedule() or co_enter();
// starting it twice is a broken invariant. Owns its frame. Thread: a value; it may be moved to another thread
// before it starts.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::TaskPromiseOf<T>;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiter) {
    invariant(frame_ && !frame_.promise().root, "a Task is started that has been started or moved from");
    frame_.promise().awaiter = awaiter;
    frame_.promise().root = awaiter.promise().root;
    return frame_;
  }
  T await_resume() { return frame_.promise().take(); }

  // False if the coroutine was moved away.
  explicit operator bool() const { return static_cast<bool>(frame_); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

namespace internal {

template <class T>
Task<T> TaskPromiseOf<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<TaskPromiseOf>::from_promise(*this));
}

inline Task<void> TaskPromiseOf<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<TaskPromiseOf>::from_promise(*this));
}

// The outermost coroutine that co_schedule() and co_enter() create. Frees its frame when it ends.
struct ScheduledTask {
  struct promise_type {
    std::coroutine_handle<> root = std::coroutine_handle<promise_type>::from_promise(*this);
    ScheduledTask get_return_object() { return {root}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const { exception_left("coroutine"); }
  };
  std::coroutine_handle<> frame;
};

inline ScheduledTask run_scheduled(Task<void> task) { co_await task; }

inline std::coroutine_handle<> outermost(Task<void> task) {
  invariant(static_cast<bool>(task), "a Task is started that has been started or moved from");
  return run_scheduled(std::move(task)).frame;
}

}  // namespace internal

// Thread-safe. Starts the task in the loop, after everything scheduled there before.
inline void co_schedule(AioContext& loop, Task<void> task) {
  const std::coroutine_handle<> frame = internal::outermost(std::move(task));
  loop.schedule_oneshot(internal::Resumption(frame, frame));
}

// Thread-safe. Starts the task in the loop as soon as possible. In the home thread, runs it until it suspends
// or ends, then returns; if the caller is a coroutine of that loop, the task runs when the caller suspends,
// before anything else there. In any other thread, schedules it.
inline void co_enter(AioContext& loop, Task<void> task) {
  const std::coroutine_handle<> frame = internal::outermost(std::move(task));
  if (!loop.in_home_thread()) {
    loop.schedule_oneshot(internal::Resumption(frame, frame));
  } else {
    internal::enter_coroutine(frame);
  }
}

// `co_await reschedule_self(loop)`: continues in that loop, after everything scheduled there before. The
// coroutine has suspended by then, so two threads never run it at once.
class reschedule_self {
 public:
  explicit reschedule_self(AioContext& loop) : loop_(loop) {}
  bool await_ready() const { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    loop_.schedule_oneshot(internal::Resumption(self, self.promise().root));
  }
  void await_resume() const {}

 private:
  AioContext& loop_;
};

namespace internal {

// A wait that can be ended early.
class CancellableWait {
 public:
  CancellableWait() = default;
  CancellableWait(const CancellableWait&) = delete;
  CancellableWait& operator=(const CancellableWait&) = delete;

  // Ends the wait early. If it is too late for that, the wait ends by itself.
  virtual void cancel() = 0;
  // Called when the Cancellation is destroyed: the wait can no longer be cancelled.
  virtual void forsake() = 0;

 protected:
  ~CancellableWait() = default;
};

}  // namespace internal

// Cancels the waits it is passed to. Belongs to one loop; call it only from there. Must outlive those waits.
//
//     Cancellation stop;
//     while (co_await readable(fd, &stop)) serve(fd);  // until stop.cancel()
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  // A loop that ends destroys its waiting coroutines in any order, so a coroutine that owns a Cancellation
  // may be destroyed before the waits that use it.
  ~Cancellation() {
    for (internal::CancellableWait* const wait : waits_) wait->forsake();
  }

  // The waiting coroutines continue in the next iteration; co_await returns false or the error "Cancelled". A
  // file request or a job that can no longer be cancelled ends first. Waits that begin later are cancelled at
  // once.
  void cancel() {
    invariant(waits_.empty() || AioContext::current() == loop_,
              "Cancellation::cancel() is called outside the loop of its waits; call it there, by "
              "AioContext::schedule_oneshot()");
    cancelled_ = true;
    for (internal::CancellableWait* const wait : std::exchange(waits_, {})) wait->cancel();
  }
  bool cancelled() const { return cancelled_; }

  // For implementing awaitables: called when a wait begins and ends.
  void add(internal::CancellableWait& wait) {
    loop_ = AioContext::current();
    waits_.push_back(&wait);
  }
  void remove(internal::CancellableWait& wait) { std::erase(waits_, &wait); }

 private:
  bool cancelled_ = false;
  AioContext* loop_ = nullptr;  // the loop of the waits; compared, never dereferenced
  std::vector<internal::CancellableWait*> waits_;
};

namespace internal {

// Base of the awaitables that can be cancelled. A derived class implements cancel().
class CancellableAwaiter : public CancellableWait {
 public:
  explicit CancellableAwaiter(Cancellation* cancellation) : cancellation_(cancellation) {}
  bool await_ready() const { return cancellation_ && cancellation_->cancelled(); }
  // Returns true if the awaited event has occurred, false if the wait was cancelled.
  bool await_resume() const { return come_; }

 protected:
  ~CancellableAwaiter() { forget(); }

  template <class Promise>
  void begin(std::coroutine_handle<Promise> self) {
    self_ = self;
    root_ = self.promise().root;
    loop_ = AioContext::current();
    if (!cancellation_) return;
    cancellation_->add(*this);
    registered_ = true;
  }
  // The awaited event has occurred, and the coroutine is about to continue.
  void end() {
    come_ = true;
    forget();
  }
  // For the callback that ends the wait. Shared, since a std::function can be copied. If the callback is
  // destroyed without having been called, the coroutine is destroyed too.
  std::shared_ptr<Resumption> resumption() {
    auto made = std::make_shared<Resumption>(self_, root_);
    waiting_ = made;
    return made;
  }
  // The Resumption of the current wait; drop() it if its callback will not be called.
  std::shared_ptr<Resumption> waiting() const { return waiting_.lock(); }
  std::coroutine_handle<> self() const { return self_; }
  std::coroutine_handle<> root() const { return root_; }
  // Called by cancel().
  void go_on_cancelled() {
    registered_ = false;
    AioContext::current()->schedule_oneshot(Resumption(self_, root_));
  }

 private:
  void forsake() final { registered_ = false; }
  void forget() {
    if (std::exchange(registered_, false)) cancellation_->remove(*this);
  }

  Cancellation* cancellation_;
  std::coroutine_handle<> self_;
  std::coroutine_handle<> root_;
  const AioContext* loop_ = nullptr;  // the loop of the wait
  std::weak_ptr<Resumption> waiting_;
  bool registered_ = false;
  bool come_ = false;
};

// Base of the awaitables whose coroutine the loop owns during the wait: a loop that ends destroys it.
class OwnedAwaiter : public CancellableAwaiter, public LoopOwned {
 protected:
  using CancellableAwaiter::CancellableAwaiter;

  // Called when the awaited event has occurred: continues the coroutine.
  void resume() {
    take_back();
    end();
    run_coroutine(self());
  }

 private:
  void destroy() final { root().destroy(); }
};

}  // namespace internal

// `co_await sleep_for(10ms)`: continues in the caller's loop after that time, never earlier. Returns false if
// cancelled.
class sleep_for final : public internal::OwnedAwaiter {
 public:
  explicit sleep_for(std::chrono::nanoseconds delay, Cancellation* cancellation = nullptr)
      : OwnedAwaiter(cancellation), delay_(delay) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    begin(self);
    AioContext& loop = *AioContext::current();
    timer_ = loop.timer([this] {
      timer_ = {};  // destroyed now, since the coroutine may continue in another loop
      resume();
    });
    timer_.arm_after(delay_);
    loop.free_at_end(*this);  // the last step, since it destroys the coroutine if the loop has ended
  }

 private:
  void cancel() override {
    take_back();
    timer_ = {};
    go_on_cancelled();
  }

  std::chrono::nanoseconds delay_;
  Timer timer_;
};

namespace internal {
class FdWait;
}

// `co_await readable(fd)`, `co_await writable(fd)`: continues in the caller's loop when fd is ready or has an
// error. Returns false if cancelled, or if the handlers of fd were replaced (AioContext::set_fd_handler(),
// for example to close it). One coroutine may wait for fd to be readable while another waits for it to be
// writable; waiting for a direction that already has a handler or a waiting coroutine is a broken invariant.
// The handler is removed after the wait. If the coroutine waits for the same direction of fd again before it
// suspends for anything else, the handler is kept, which saves time.
class FdAwaiter final : public internal::CancellableAwaiter {
 public:
  FdAwaiter(int fd, FdDirection direction, Cancellation* cancellation)
      : CancellableAwaiter(cancellation), fd_(fd), direction_(direction) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    begin(self);
    wait();
  }

 private:
  friend class internal::FdWait;

  void wait();
  void cancel() override;

  int fd_;
  FdDirection direction_;
  std::weak_ptr<internal::FdWait> wait_;
};
inline FdAwaiter readable(int fd, Cancellation* cancellation = nullptr) {
  return {fd, FdDirection::read, cancellation};
}
inline FdAwaiter writable(int fd, Cancellation* cancellation = nullptr) {
  return {fd, FdDirection::write, cancellation};
}

class woken;

// Lets a coroutine wait until any thread calls co_wake(). Only one coroutine at a time may wait for a Wakeup.
// Destroying a Wakeup during a wait is a broken invariant.
//
//     Wakeup answered;
//     ask(server, [&] { co_wake(answered); });
//     co_await woken(answered);
class Wakeup {
 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup() { invariant(!waiter_, "a Wakeup outlives the wait for it"); }

 private:
  friend class woken;
  friend void co_wake(Wakeup& wakeup);

  std::mutex mutex_;         // held for a few instructions; guards the members below
  woken* waiter_ = nullptr;  // the wait that has not been woken yet
  bool woken_ = false;       // co_wake() was called before the wait
};

// `co_await woken(wakeup)`: continues after co_wake(), in the loop in which it waits; at once if co_wake()
// was called before. Returns false if cancelled.
class woken final : public internal::OwnedAwaiter {
 public:
  explicit woken(Wakeup& wakeup, Cancellation* cancellation = nullptr)
      : OwnedAwaiter(cancellation), wakeup_(wakeup) {}
  ~woken() override {
    if (attached_) (void)detach();
  }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    {
      const std::lock_guard lock(wakeup_.mutex_);
      if (std::exchange(wakeup_.woken_, false)) {
        end();
        return false;
      }
      invariant(!wakeup_.waiter_, "one coroutine at a time waits for a Wakeup");
      begin(self);
      loop_ = AioContext::current();
      wakeup_.waiter_ = this;
      attached_ = true;
    }
    loop_->free_at_end(*this);  // the last step, since it destroys the coroutine if the loop has ended
    return true;
  }

 private:
  friend void co_wake(Wakeup& wakeup);

  void wake() {
    loop_->schedule_oneshot([this] {
      (void)detach();  // waits until co_wake() has unlocked the Wakeup
      resume();
    });
  }
  void cancel() override {
    if (!detach()) return;  // it is about to continue
    take_back();
    go_on_cancelled();
  }
  // Returns true if it was waiting. Afterwards the Wakeup may be destroyed.
  bool detach() {
    attached_ = false;
    const std::lock_guard lock(wakeup_.mutex_);
    if (wakeup_.waiter_ != this) return false;
    wakeup_.waiter_ = nullptr;
    return true;
  }

  Wakeup& wakeup_;
  AioContext* loop_ = nullptr;
  bool attached_ = false;  // the Wakeup refers to this wait, or did until co_wake()
};

// Thread-safe. Continues the waiting coroutine in its own loop, after everything scheduled there before; if
// none waits, the next wait ends at once. The loop of the waiting coroutine must still exist.
inline void co_wake(Wakeup& wakeup) {
  const std::lock_guard lock(wakeup.mutex_);
  if (wakeup.waiter_) {
    std::exchange(wakeup.waiter_, nullptr)->wake();
  } else {
    wakeup.woken_ = true;
  }
}

}  // namespace qomio

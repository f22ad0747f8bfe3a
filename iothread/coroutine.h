// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <concepts>
#include <coroutine>
#include <mutex>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/internal/awaiter.h"
#include "qomio/iothread/internal/fd_awaiter.h"
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
    static_cast<internal::CoroutineContext&>(frame_.promise()) = awaiter.promise();
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
  struct promise_type : CoroutineContext {
    ScheduledTask get_return_object() {
      const auto self = std::coroutine_handle<promise_type>::from_promise(*this);
      root = self;
      return {self};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const { exception_left("coroutine"); }
  };
  std::coroutine_handle<promise_type> frame;
};

inline ScheduledTask run_scheduled(Task<void> task) { co_await task; }
// Keeps the function, since a coroutine that is a lambda uses the lambda's captures.
template <class Function>
Task<void> call_and_keep(Function function) {
  co_await function();
}

// A function that returns a Task.
template <class Function>
concept TaskFunction = requires(Function& function) {
  { function() } -> std::same_as<Task<void>>;
};

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

// Thread-safe. The same for a function that returns a Task, such as a lambda that is a coroutine. Calls it in
// the loop, and destroys it, with the lambda's captures, when the coroutine has ended.
template <internal::TaskFunction Function>
void co_schedule(AioContext& loop, Function function) {
  co_schedule(loop, internal::call_and_keep(std::move(function)));
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
// coroutine has suspended by then, so two threads never run it at once. Moving a coroutine that must stay in
// its loop, such as one of when_all(), is a broken invariant.
class reschedule_self final : public internal::LoopWait {
 public:
  explicit reschedule_self(AioContext& loop) : loop_(loop) {}
  bool await_ready() const { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    const internal::CoroutineContext& context = self.promise();
    if (!loop_.in_home_thread()) {
      if (context.home) leave_home(*context.home);
      return loop_.schedule_oneshot(internal::Resumption(self, context.root));
    }
    set_coroutine(self);
    run_in_next_iteration(loop_);
  }
  void await_resume() const {}

 private:
  static void leave_home(internal::HomeLoop& home) {
    invariant(
        home.may_leave,
        "a coroutine that runs beside others of its caller, in when_all() for example, moves to another "
        "loop; start it there in a TaskGroup");
    home.left = true;
  }

  AioContext& loop_;
};

// `co_await sleep_for(10ms)`: continues in the caller's loop after that time, never earlier. Returns false if
// cancelled.
class sleep_for final : public internal::Awaiter {
 public:
  explicit sleep_for(std::chrono::nanoseconds delay, Cancellation* cancellation = nullptr)
      : Awaiter(cancellation), delay_(delay) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    if (begin(self)) {
      timer_ = loop().timer([this] {
        timer_ = {};  // destroyed now, since the coroutine may continue in another loop
        resume();
      });
      timer_.arm_after(delay_);
    }
    own();
  }

 private:
  void cancel() override {
    timer_ = {};
    resume_cancelled();
  }

  std::chrono::nanoseconds delay_;
  Timer timer_;
};

// `co_await readable(fd)`, `co_await writable(fd)`: continues in the caller's loop when fd is ready or has an
// error. Returns false if cancelled, or if the handlers of fd were replaced (AioContext::set_fd_handler(),
// for example to close it). One coroutine may wait for fd to be readable while another waits for it to be
// writable; waiting for a direction that already has a handler or a waiting coroutine is a broken invariant.
// The handler is removed after the wait. If the coroutine waits for the same direction of fd again before it
// suspends for anything else, the handler is kept, which saves time.
inline internal::FdAwaiter readable(int fd, Cancellation* cancellation = nullptr) {
  return {fd, FdDirection::read, cancellation};
}
inline internal::FdAwaiter writable(int fd, Cancellation* cancellation = nullptr) {
  return {fd, FdDirection::write, cancellation};
}

class woken;

// Lets a coroutine wait until any thread calls co_wake(). Only one coroutine at a time may wait for a Wakeup.
// Destroying a Wakeup during a wait is a broken invariant, unless the loop of the wait has ended.
//
//     Wakeup answered;
//     ask(server, [&] { co_wake(answered); });
//     co_await woken(answered);
class Wakeup {
 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  ~Wakeup();

 private:
  friend class woken;
  friend void co_wake(Wakeup& wakeup);

  std::mutex mutex_;         // held for a few instructions; guards the members below
  woken* waiter_ = nullptr;  // the wait that has not been woken yet
  bool woken_ = false;       // co_wake() was called before the wait
};

// `co_await woken(wakeup)`: continues after co_wake(), in the loop in which it waits; at once if co_wake()
// was called before. Returns false if cancelled.
class woken final : public internal::Awaiter {
 public:
  explicit woken(Wakeup& wakeup, Cancellation* cancellation = nullptr)
      : Awaiter(cancellation), wakeup_(wakeup) {}
  woken(woken&&) = default;
  ~woken() override {
    if (attached_) (void)detach();
  }

  bool await_ready() {
    if (Awaiter::await_ready()) return true;
    const std::lock_guard lock(wakeup_.mutex_);
    if (!std::exchange(wakeup_.woken_, false)) return false;
    occurred();
    return true;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    if (begin(self)) attach();
    own();
  }

 private:
  friend class Wakeup;
  friend void co_wake(Wakeup& wakeup);

  void wake() {
    loop().schedule_oneshot([this] {
      (void)detach();  // waits until co_wake() has unlocked the Wakeup
      resume();
    });
  }
  void cancel() override {
    if (detach()) resume_cancelled();  // otherwise it is about to continue
  }
  void attach() {
    const std::lock_guard lock(wakeup_.mutex_);
    if (std::exchange(wakeup_.woken_, false)) return resume_later();
    invariant(!wakeup_.waiter_, "one coroutine at a time waits for a Wakeup");
    wakeup_.waiter_ = this;
    attached_ = true;
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
  bool attached_ = false;  // the Wakeup refers to this wait, or did until co_wake()
};

inline Wakeup::~Wakeup() {
  if (!waiter_) return;
  invariant(waiter_->loop().is_closed(), "a Wakeup is destroyed while a coroutine waits for it");
  waiter_->attached_ = false;  // its coroutine is destroyed later
}

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

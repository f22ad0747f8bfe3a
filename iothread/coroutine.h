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
// An exception that leaves a coroutine ends the program; errors are Results.
//
// A loop that ends frees the coroutines that wait in it. One that waits may own Timers and bottom halves of
// its loop. A Ref of it keeps it until it is closed, which IOThread and MainLoop do (AioContext::close()).
namespace qomio {

template <class T = void>
class Task;

namespace internal {

// What the frames of all Tasks have in common.
struct TaskPromise {
  std::coroutine_handle<> awaiter = std::noop_coroutine();  // goes on when this one is done
  std::coroutine_handle<> root;                             // the outermost one, which owns all the others

  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
      return done.promise().awaiter;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  [[noreturn]] void unhandled_exception() const { exception_left("coroutine"); }
};

template <class T>
struct TaskPromiseOf : TaskPromise {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct TaskPromiseOf<void> : TaskPromise {
  Task<void> get_return_object();
  void return_void() const {}
  void take() const {}
};

// In the home thread of the caller's loop. Runs a coroutine until it suspends or ends, and then those that
// were entered meanwhile.
void run_coroutine(std::coroutine_handle<> coroutine);
// The same; but called inside a coroutine, it runs the coroutine when that one suspends.
void enter_coroutine(std::coroutine_handle<> coroutine);

// Resumes a coroutine once, in the caller's loop. If it is destroyed before, it destroys the coroutine and
// all that wait for it.
class Resumption {
 public:
  Resumption(std::coroutine_handle<> handle, std::coroutine_handle<> root) : handle_(handle), root_(root) {}
  Resumption(Resumption&& other) noexcept : handle_(std::exchange(other.handle_, {})), root_(other.root_) {}
  Resumption& operator=(Resumption&&) = delete;
  ~Resumption() {
    if (handle_) root_.destroy();
  }
  void operator()() { run_coroutine(std::exchange(handle_, {})); }
  // Somebody else resumes it.
  void drop() { handle_ = {}; }
  explicit operator bool() const { return static_cast<bool>(handle_); }

 private:
  std::coroutine_handle<> handle_;
  std::coroutine_handle<> root_;
};

}  // namespace internal

// A coroutine that hasn't started: it starts when it is awaited, or given to co_schedule() or co_enter(),
// once: a second time is a broken invariant. Owns its frame. Thread: a value; it may be moved to another
// thread before it starts.
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
    invariant(frame_ && !frame_.promise().root, "a coroutine is started once");
    frame_.promise().awaiter = awaiter;
    frame_.promise().root = awaiter.promise().root;
    return frame_;
  }
  T await_resume() { return frame_.promise().take(); }

  // There is a coroutine: it wasn't moved away.
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

// The outermost coroutine of each co_schedule(): frees itself at its end.
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
  invariant(static_cast<bool>(task), "a coroutine is started once");
  return run_scheduled(std::move(task)).frame;
}

}  // namespace internal

// Thread-safe. Starts the task in the loop, after what was scheduled before.
inline void co_schedule(AioContext& loop, Task<void> task) {
  const std::coroutine_handle<> frame = internal::outermost(std::move(task));
  loop.schedule_oneshot(internal::Resumption(frame, frame));
}

// Thread-safe. Starts the task in the loop as soon as can be: in the home thread, it has run until it
// suspends when this returns; called inside a coroutine of that loop, it runs when that one suspends, before
// anything else there; from elsewhere it is scheduled.
inline void co_enter(AioContext& loop, Task<void> task) {
  const std::coroutine_handle<> frame = internal::outermost(std::move(task));
  if (!loop.in_home_thread()) {
    loop.schedule_oneshot(internal::Resumption(frame, frame));
  } else {
    internal::enter_coroutine(frame);
  }
}

// `co_await reschedule_self(loop)`: goes on in that loop, after what was scheduled there before. Has yielded
// by then, so that two threads never run it at once.
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

  // Lets the coroutine go on, unless it is too late for that: then the wait ends by itself.
  virtual void cancel() = 0;
  // The Cancellation goes: nothing ends the wait early any more.
  virtual void forsake() = 0;

 protected:
  ~CancellableWait() = default;
};

}  // namespace internal

// Ends waits early: those that were given it, in one loop, which is the one that calls its functions.
// Must live as long as they do.
//
//     Cancellation stop;
//     while (co_await readable(fd, &stop)) serve(fd);  // until stop.cancel()
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  // A loop that ends frees what waits in it in any order: a coroutine may go before those that were given its
  // own.
  ~Cancellation() {
    for (internal::CancellableWait* const wait : waits_) wait->forsake();
  }

  // The coroutines go on in the next iteration, told that what they waited for has not come. Waits that begin
  // later end at once.
  void cancel() {
    invariant(waits_.empty() || AioContext::current() == loop_,
              "Cancellation::cancel() is called outside the loop of its waits; call it there, by "
              "AioContext::schedule_oneshot()");
    cancelled_ = true;
    for (internal::CancellableWait* const wait : std::exchange(waits_, {})) wait->cancel();
  }
  bool cancelled() const { return cancelled_; }

  // For those who make awaitables.
  void add(internal::CancellableWait& wait) {
    loop_ = AioContext::current();
    waits_.push_back(&wait);
  }
  void remove(internal::CancellableWait& wait) { std::erase(waits_, &wait); }

 private:
  bool cancelled_ = false;
  AioContext* loop_ = nullptr;  // where it waits; not looked into
  std::vector<internal::CancellableWait*> waits_;
};

namespace internal {

// The common part of awaitables that can be cancelled: they say how to stop waiting.
class CancellableAwaiter : public CancellableWait {
 public:
  explicit CancellableAwaiter(Cancellation* cancellation) : cancellation_(cancellation) {}
  bool await_ready() const { return cancellation_ && cancellation_->cancelled(); }
  // True: what was waited for has come; false: cancelled.
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
  // What was waited for has come; the coroutine is about to go on.
  void end() {
    come_ = true;
    forget();
  }
  // For the function that ends the wait. Shared, since functions can be copied. Where they are freed without
  // having been called, the coroutine is freed too.
  std::shared_ptr<Resumption> resumption() {
    auto made = std::make_shared<Resumption>(self_, root_);
    waiting_ = made;
    return made;
  }
  // The one that is waited with now: to be dropped, if it won't be called.
  std::shared_ptr<Resumption> waiting() const { return waiting_.lock(); }
  std::coroutine_handle<> self() const { return self_; }
  std::coroutine_handle<> root() const { return root_; }
  // For cancel().
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
  const AioContext* loop_ = nullptr;  // that it waits in
  std::weak_ptr<Resumption> waiting_;
  bool registered_ = false;
  bool come_ = false;
};

// The common part of those whose coroutine belongs to the loop while it waits: a loop that ends destroys it.
class OwnedAwaiter : public CancellableAwaiter, public LoopOwned {
 protected:
  using CancellableAwaiter::CancellableAwaiter;

  // What was waited for has come: continues the coroutine.
  void resume() {
    take_back();
    end();
    run_coroutine(self());
  }

 private:
  void destroy() final { root().destroy(); }
};

}  // namespace internal

// `co_await sleep_for(10ms)`: continues in the caller's loop after that time, never earlier. False: it was
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
      timer_ = {};  // now: the coroutine may continue in another loop
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
// error. False: it was cancelled, or somebody else has set other handlers for fd
// (AioContext::set_fd_handler(), to close it for example). One coroutine may wait for fd to be readable while
// another waits for it to be writable; a direction that has a handler already, or another coroutine waiting,
// is a broken invariant. Leaves no handler. If the coroutine waits for the same descriptor again before
// it suspends for anything else, the handler is kept, which saves time.
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

// Where a coroutine waits until some thread calls co_wake(). One at a time; that a Wakeup goes before the
// coroutine that waits is a broken invariant.
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

  std::mutex mutex_;         // held for a few instructions; guards the two
  woken* waiter_ = nullptr;  // not woken yet
  bool woken_ = false;       // in advance
};

// `co_await woken(wakeup)`: continues after co_wake(), in the loop that it waited in; at once if co_wake()
// was called before. False: it was cancelled.
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
      (void)detach();  // waits for co_wake() to release the Wakeup
      resume();
    });
  }
  void cancel() override {
    if (!detach()) return;  // it is about to continue
    take_back();
    go_on_cancelled();
  }
  // True if it was waiting. From now on the Wakeup may be destroyed.
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

// Thread-safe. Continues the coroutine that waits, or the next one that will, in its own loop, after what was
// scheduled there before. To be called while that loop is there.
inline void co_wake(Wakeup& wakeup) {
  const std::lock_guard lock(wakeup.mutex_);
  if (wakeup.waiter_) {
    std::exchange(wakeup.waiter_, nullptr)->wake();
  } else {
    wakeup.woken_ = true;
  }
}

}  // namespace qomio

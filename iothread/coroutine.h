// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/invariant.h"

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
namespace qomio {

template <class T = void>
class Task;

namespace detail {

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
  [[noreturn]] void unhandled_exception() const { broken_invariant("an exception left a coroutine"); }
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

// Continues a coroutine once. A loop that ends without doing so frees the coroutine and all that wait for it.
class Resumption {
 public:
  Resumption(std::coroutine_handle<> handle, std::coroutine_handle<> root) : handle_(handle), root_(root) {}
  Resumption(Resumption&& other) noexcept : handle_(std::exchange(other.handle_, {})), root_(other.root_) {}
  Resumption& operator=(Resumption&&) = delete;
  ~Resumption() {
    if (handle_) root_.destroy();
  }
  void operator()() { std::exchange(handle_, {}).resume(); }
  // Somebody else continues it.
  void drop() { handle_ = {}; }

 private:
  std::coroutine_handle<> handle_;
  std::coroutine_handle<> root_;
};

}  // namespace detail

// A coroutine that hasn't started: it starts when it is awaited, or given to co_schedule(), once. Owns its
// frame. Thread: a value; it may be moved to another thread before it starts.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromiseOf<T>;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiter) {
    frame_.promise().awaiter = awaiter;
    frame_.promise().root = awaiter.promise().root;
    return frame_;
  }
  T await_resume() { return frame_.promise().take(); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

namespace detail {

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
    [[noreturn]] void unhandled_exception() const { broken_invariant("an exception left a coroutine"); }
  };
  std::coroutine_handle<> frame;
};

inline ScheduledTask run_scheduled(Task<void> task) { co_await task; }

}  // namespace detail

// Thread-safe. Starts the task in the loop, after what was scheduled before.
inline void co_schedule(AioContext& loop, Task<void> task) {
  const detail::ScheduledTask scheduled = detail::run_scheduled(std::move(task));
  loop.schedule_oneshot(detail::Resumption(scheduled.frame, scheduled.frame));
}

// `co_await reschedule_self(loop)`: goes on in that loop, after what was scheduled there before. Has yielded
// by then, so that two threads never run it at once.
class reschedule_self {
 public:
  explicit reschedule_self(AioContext& loop) : loop_(loop) {}
  bool await_ready() const { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    loop_.schedule_oneshot(detail::Resumption(self, self.promise().root));
  }
  void await_resume() const {}

 private:
  AioContext& loop_;
};

namespace detail {

// A wait that can be ended early.
class CancellableWait {
 public:
  CancellableWait() = default;
  CancellableWait(const CancellableWait&) = delete;
  CancellableWait& operator=(const CancellableWait&) = delete;

  // Lets the coroutine go on, unless it is too late for that: then the wait ends by itself.
  virtual void cancel() = 0;

 protected:
  ~CancellableWait() = default;
};

}  // namespace detail

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

  // The coroutines go on in the next iteration, told that what they waited for has not come. Waits that begin
  // later end at once.
  void cancel() {
    cancelled_ = true;
    for (detail::CancellableWait* const wait : std::exchange(waits_, {})) wait->cancel();
  }
  bool cancelled() const { return cancelled_; }

  // For those who make awaitables.
  void add(detail::CancellableWait& wait) { waits_.push_back(&wait); }
  void remove(detail::CancellableWait& wait) { std::erase(waits_, &wait); }

 private:
  bool cancelled_ = false;
  std::vector<detail::CancellableWait*> waits_;
};

namespace detail {

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
  // For cancel().
  void go_on_cancelled() {
    registered_ = false;
    AioContext::current()->schedule_oneshot(Resumption(self_, root_));
  }

 private:
  void forget() {
    if (std::exchange(registered_, false)) cancellation_->remove(*this);
  }

  Cancellation* cancellation_;
  std::coroutine_handle<> self_;
  std::coroutine_handle<> root_;
  std::weak_ptr<Resumption> waiting_;
  bool registered_ = false;
  bool come_ = false;
};

}  // namespace detail

// `co_await sleep_for(10ms)`: goes on in the caller's loop, never earlier, unless it is cancelled: false
// then. A loop lives on as long as a coroutine sleeps in it.
class sleep_for final : public detail::CancellableAwaiter {
 public:
  explicit sleep_for(std::chrono::nanoseconds delay, Cancellation* cancellation = nullptr)
      : CancellableAwaiter(cancellation), delay_(delay) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    begin(self);
    timer_ = AioContext::current()->timer([this, self] {
      end();
      self.resume();
    });
    timer_.arm_after(delay_);
  }

 private:
  void cancel() override {
    timer_.cancel();
    go_on_cancelled();
  }

  std::chrono::nanoseconds delay_;
  Timer timer_;
};

// `co_await readable(fd)`, `co_await writable(fd)`: goes on in the caller's loop when fd is ready or has an
// error, unless it is cancelled: false then. Takes the place of the handlers of fd, and leaves none.
class FdAwaiter final : public detail::CancellableAwaiter {
 public:
  FdAwaiter(int fd, bool for_writing, Cancellation* cancellation)
      : CancellableAwaiter(cancellation), fd_(fd), for_writing_(for_writing) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    begin(self);
    const auto go_on = [this, resumption = resumption()] {
      const auto kept = resumption;  // the handler, which owns it, is taken away
      end();
      AioContext::current()->set_fd_handler(fd_, {});
      (*kept)();
    };
    FdHandlers handlers;
    (for_writing_ ? handlers.write : handlers.read) = go_on;
    AioContext::current()->set_fd_handler(fd_, std::move(handlers));
  }

 private:
  void cancel() override {
    waiting()->drop();
    AioContext::current()->set_fd_handler(fd_, {});
    go_on_cancelled();
  }

  int fd_;
  bool for_writing_;
};
inline FdAwaiter readable(int fd, Cancellation* cancellation = nullptr) { return {fd, false, cancellation}; }
inline FdAwaiter writable(int fd, Cancellation* cancellation = nullptr) { return {fd, true, cancellation}; }

}  // namespace qomio

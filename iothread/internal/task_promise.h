// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/internal/invariant.h"

// The promises of the coroutines in iothread/coroutine.h.
namespace qomio {

template <class T = void>
class Task;

namespace internal {

class CancelState;

// Whether a coroutine may move to another loop.
struct HomeLoop {
  const bool may_leave;
  bool left = false;  // it has moved once
};

// The context of a coroutine. A Task takes it over from the coroutine that awaits it.
struct CoroutineContext {
  std::coroutine_handle<> root;  // the outermost coroutine, which owns all the others
  CancelState* scope = nullptr;  // cancels all its waits; null: nothing does
  HomeLoop* home = nullptr;      // null: it may move to other loops
};

// The base of all Tasks' promises.
struct TaskPromise : CoroutineContext {
  std::coroutine_handle<> awaiter = std::noop_coroutine();  // resumed when this one has ended

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
  template <class U = T>
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

// Runs a coroutine until it suspends or ends, then the coroutines entered meanwhile. Called in the home
// thread of the caller's loop.
void run_coroutine(std::coroutine_handle<> coroutine);
// The same, except that a call from inside a coroutine runs the new coroutine when the caller suspends.
void enter_coroutine(std::coroutine_handle<> coroutine);

// Returns true if the calling coroutine may complete an operation without suspending, 16 times in a row at
// most, so that a coroutine that always finds something to do does not keep its loop from everything else.
bool may_complete_at_once();

// Resumes a coroutine once, in the caller's loop. If destroyed before that, it destroys the coroutine and all
// coroutines that await it.
class Resumption {
 public:
  Resumption(std::coroutine_handle<> handle, std::coroutine_handle<> root) : handle_(handle), root_(root) {}
  Resumption(Resumption&& other) noexcept : handle_(std::exchange(other.handle_, {})), root_(other.root_) {}
  Resumption& operator=(Resumption&&) = delete;
  ~Resumption() {
    if (handle_) root_.destroy();
  }
  void operator()() { run_coroutine(std::exchange(handle_, {})); }
  explicit operator bool() const { return static_cast<bool>(handle_); }

 private:
  std::coroutine_handle<> handle_;
  std::coroutine_handle<> root_;
};

}  // namespace internal

}  // namespace qomio

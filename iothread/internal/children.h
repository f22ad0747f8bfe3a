// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/internal/awaiter.h"
#include "qomio/qapi/error.h"

// What the functions in iothread/concurrency.h are made of.
namespace qomio::internal {

class Children;
class GroupState;

template <class Awaitable>
using Awaited = decltype(std::declval<Awaitable&>().await_resume());
// The same as a value that can be stored.
template <class Awaitable>
using AwaitedValue =
    std::conditional_t<std::is_void_v<Awaited<Awaitable>>, std::monostate, Awaited<Awaitable>>;

// `co_await this_promise()`: the promise of the Task that awaits it, at once.
class this_promise {
 public:
  bool await_ready() const { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    promise_ = &self.promise();
    return false;
  }
  TaskPromise& await_resume() const { return *promise_; }

 private:
  TaskPromise* promise_ = nullptr;
};

// One of the coroutines that run side by side. Owns its frame; shares the outermost coroutine of its parent,
// so a loop that ends destroys all of them together.
class Child {
 public:
  struct promise_type : CoroutineContext {
    Children* children = nullptr;
    std::size_t index = 0;

    struct FinalAwaiter {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) const noexcept;
      void await_resume() const noexcept {}
    };

    Child get_return_object() { return Child(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void return_void() const {}
    [[noreturn]] void unhandled_exception() const { exception_left("coroutine"); }
  };

  Child(Child&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (frame_) frame_.destroy();
  }

 private:
  friend class Children;
  explicit Child(std::coroutine_handle<promise_type> frame) : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

template <class Awaitable, class Value>
Child run_child(Awaitable& awaitable, std::optional<Value>& result) {
  if constexpr (std::is_void_v<Awaited<Awaitable>>) {
    co_await awaitable;
    result.emplace();
  } else {
    result.emplace(co_await awaitable);
  }
}

// `co_await children`: runs them in the caller's loop, in a scope of their own, and continues when all have
// ended. The awaitables and results that are added must outlive them.
class Children {
 public:
  // first_only: the first that ends cancels the others.
  explicit Children(bool first_only) : first_only_(first_only) {}
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    if (destroyed_) *destroyed_ = true;
  }

  template <class... Values, class... Awaitables>
  void add(std::tuple<std::optional<Values>...>& results, Awaitables&... awaitables) {
    std::apply([&](auto&... result) { (children_.push_back(run_child(awaitables, result)), ...); }, results);
  }
  template <class Value, class Awaitable>
  void add(std::vector<std::optional<Value>>& results, std::vector<Awaitable>& awaitables) {
    for (std::size_t i = 0; i < awaitables.size(); ++i)
      children_.push_back(run_child(awaitables[i], results[i]));
  }
  // The index of the one that ended first.
  std::size_t first() const { return first_; }

  bool await_ready() const { return children_.empty(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) {
    parent_ = parent;
    scope_.emplace(parent.promise().scope);
    return start(parent.promise());
  }
  void await_resume() const {}

 private:
  friend class Child;
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  bool start(const CoroutineContext& parent);
  std::coroutine_handle<> ended(std::size_t index);

  const bool first_only_;
  std::optional<Cancellation> scope_;
  HomeLoop home_{.may_leave = false};
  std::coroutine_handle<> parent_;
  std::vector<Child> children_;
  std::size_t running_ = 0;
  std::size_t first_ = kNone;
  bool* destroyed_ = nullptr;  // while they are being started: set when a child has ended the whole coroutine
};

// Stores the result in that loop, wherever the awaitable ends.
template <class Awaitable, class Value>
Task<> store_result(AioContext& loop, Awaitable awaitable, std::optional<Value>& result) {
  std::optional<Value> value;
  if constexpr (std::is_void_v<Awaited<Awaitable>>) {
    co_await awaitable;
    value.emplace();
  } else {
    value.emplace(co_await awaitable);
  }
  if (!loop.in_home_thread()) co_await reschedule_self(loop);
  result = std::move(value);
}

template <class T>
struct IsResult : std::false_type {};
template <class T>
struct IsResult<Result<T>> : std::true_type {};

// The result of with_timeout().
template <class Awaitable>
constexpr bool is_wait = std::derived_from<Awaitable, Awaiter> && std::same_as<Awaited<Awaitable>, bool>;
template <class Awaitable, class T = Awaited<Awaitable>>
struct TimedResultOf {
  using Type = Result<T>;
};
template <class Awaitable>
  requires is_wait<Awaitable>
struct TimedResultOf<Awaitable, bool> {
  using Type = Result<void>;
};
template <class Awaitable, class T>
struct TimedResultOf<Awaitable, Result<T>> {
  using Type = Result<T>;
};
template <class Awaitable>
using TimedResult = typename TimedResultOf<Awaitable>::Type;

template <class Awaitable, class... Value>
TimedResult<Awaitable> timed_result(bool late, Value&&... value) {
  if constexpr (is_wait<Awaitable>) {
    if ((value && ...)) return {};
    return std::unexpected(late ? Error::timed_out() : Error::cancelled());
  } else if constexpr (IsResult<Awaited<Awaitable>>::value) {
    if (late && ((!value && value.error().is_cancelled()) && ...)) return std::unexpected(Error::timed_out());
    return (std::move(value), ...);
  } else {
    if (late) return std::unexpected(Error::timed_out());
    return TimedResult<Awaitable>(std::in_place, std::move(value)...);
  }
}

template <class Range>
Range& unwrap(Range& range) {
  return range;
}
template <class Range>
Range& unwrap(std::reference_wrapper<Range>& range) {
  return range.get();
}

// The number of items, at most `limit`.
template <class Iterator, class End>
std::size_t bounded_distance(Iterator next, const End& end, std::size_t limit) {
  std::size_t count = 0;
  for (; count < limit && next != end; ++next) ++count;
  return count;
}

}  // namespace qomio::internal

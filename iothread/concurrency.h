// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/internal/children.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/invariant.h"

// Coroutines that wait with a time limit, side by side, or in groups.
//
// These functions give what they await a scope: cancelling it cancels all waits inside, also those in tasks
// that are awaited there, without a Cancellation being passed. A coroutine that is inside several scopes is
// cancelled with each of them.
//
// Arguments are Tasks, and awaitables such as sleep_for() and readable(). Awaiting these functions is the
// only way to run them; like a Task, the result does nothing before.
namespace qomio {

// `co_await with_timeout(500ms, serve(client))`: cancels the awaitable when the time has passed, and returns
// when the awaitable has ended. Returns a Result:
// - of a Task<Result<T>> or co_read() and the like: what they return, but Error::timed_out() in place of
//   Error::cancelled() if the time has passed. A task that succeeds all the same has succeeded.
// - of sleep_for(), readable(), writable(), woken() and the like: nothing, Error::timed_out(), or
//   Error::cancelled() if cancelled by other means.
// - of a Task<T>: T, or Error::timed_out() if the time had passed before it ended.
template <class Awaitable>
Task<internal::TimedResult<Awaitable>> with_timeout(std::chrono::nanoseconds limit, Awaitable awaitable) {
  internal::TaskPromise& self = co_await internal::this_promise();
  Cancellation scope(self.scope);
  self.scope = &scope.state();
  std::atomic<bool> late = false;
  const auto end = [&late, &scope] {
    late = true;
    scope.cancel();
  };
  Timer timer = AioContext::current()->timer(end);
  timer.arm_after(limit);
  if constexpr (std::is_void_v<internal::Awaited<Awaitable>>) {
    co_await awaitable;
    timer = {};  // from here on `late` does not change
    co_return internal::timed_result<Awaitable>(late);
  } else {
    auto result = co_await awaitable;
    timer = {};
    co_return internal::timed_result<Awaitable>(late, std::move(result));
  }
}

// `auto [a, b] = co_await when_all(first(), second())`: runs them side by side in the caller's loop, and
// returns the results of all when all have ended; std::monostate for void. They must end in that loop and not
// move to another.
template <class... Awaitables>
Task<std::tuple<internal::AwaitedValue<Awaitables>...>> when_all(Awaitables... awaitables) {
  std::tuple<std::optional<internal::AwaitedValue<Awaitables>>...> results;
  internal::Children children(false);
  children.add(results, awaitables...);
  co_await children;
  co_return std::apply([](auto&... result) { return std::tuple(std::move(*result)...); }, results);
}

// The same for any number of tasks of one type.
template <class T>
Task<std::vector<internal::AwaitedValue<Task<T>>>> when_all(std::vector<Task<T>> tasks) {
  using Value = internal::AwaitedValue<Task<T>>;
  std::vector<std::optional<Value>> results(tasks.size());
  internal::Children children(false);
  children.add(results, tasks);
  co_await children;
  std::vector<Value> values;
  values.reserve(results.size());
  for (std::optional<Value>& result : results) values.push_back(std::move(*result));
  co_return values;
}

// `auto first = co_await when_any(answer(), sleep_for(1s))`: runs them side by side in the caller's loop
// until one has ended, cancels the others, and waits until these have ended, too. Returns the result of the
// first: a std::variant whose index() tells which it was; std::monostate for void. An awaitable does not
// start if one before it ends at once. They must end in that loop and not move to another.
template <class... Awaitables>
  requires(sizeof...(Awaitables) > 0)
Task<std::variant<internal::AwaitedValue<Awaitables>...>> when_any(Awaitables... awaitables) {
  std::tuple<std::optional<internal::AwaitedValue<Awaitables>>...> results;
  internal::Children children(true);
  children.add(results, awaitables...);
  co_await children;
  std::optional<std::variant<internal::AwaitedValue<Awaitables>...>> first;
  const auto take = [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((children.first() == I ? void(first.emplace(std::in_place_index<I>, std::move(*std::get<I>(results))))
                            : void()),
     ...);
  };
  take(std::index_sequence_for<Awaitables...>());
  co_return std::move(*first);
}

// The same for any number of tasks of one type, at least one: the index of the first, and its result.
template <class T>
Task<std::pair<std::size_t, internal::AwaitedValue<Task<T>>>> when_any(std::vector<Task<T>> tasks) {
  using Value = internal::AwaitedValue<Task<T>>;
  invariant(!tasks.empty(), "when_any() of no tasks never ends");
  std::vector<std::optional<Value>> results(tasks.size());
  internal::Children children(true);
  children.add(results, tasks);
  co_await children;
  co_return std::pair(children.first(), std::move(*results[children.first()]));
}

// `co_await for_each_concurrent(files, 32, [](const File& file) -> Task<> { ... })`: calls function(item) for
// each item, in order, and awaits the Tasks, at most `limit` of them at once (at least 1), in the caller's
// loop. Returns when all have ended. If function returns Task<Result<void>>, the first error cancels the
// running tasks, starts no more, and is returned. After a cancellation no task starts.
//
// The range is moved into the coroutine. To avoid that, pass std::ref() or a view of a range that outlives
// the coroutine.
template <class Range, class Function>
auto for_each_concurrent(Range range, std::size_t limit, Function function)
    -> Task<decltype(function(*std::begin(internal::unwrap(range))).await_resume())> {
  using Outcome = decltype(function(*std::begin(internal::unwrap(range))).await_resume());
  internal::TaskPromise& self = co_await internal::this_promise();
  Cancellation scope(self.scope);
  self.scope = &scope.state();
  auto next = std::begin(internal::unwrap(range));
  const auto end = std::end(internal::unwrap(range));
  Result<void> outcome;
  const auto worker = [&]() -> Task<> {
    while (next != end && outcome && !scope.cancelled()) {
      auto&& item = *next;
      ++next;
      if constexpr (std::is_void_v<Outcome>) {
        co_await function(std::forward<decltype(item)>(item));
      } else {
        Result<void> result = co_await function(std::forward<decltype(item)>(item));
        if (!result && outcome) {
          outcome = std::move(result);
          scope.cancel();
        }
      }
    }
  };
  const std::size_t workers = internal::bounded_distance(next, end, limit < 1 ? 1 : limit);
  std::vector<Task<>> tasks;
  for (std::size_t i = 0; i < workers; ++i) tasks.push_back(worker());
  co_await when_all(std::move(tasks));
  if constexpr (!std::is_void_v<Outcome>) {
    if (outcome && next != end) outcome = std::unexpected(Error::cancelled());
    co_return outcome;
  }
}

// Tasks that are started one by one, in any loops, and joined. Each is inside the scope of the group.
//
//     TaskGroup clients;
//     clients.start(io0->context(), serve(std::move(client)));
//     clients.cancel();
//     co_await clients.join();
//
// Destroying a group whose tasks have not ended is a broken invariant, unless its loop has ended. A loop that
// ends destroys the tasks in it. Tasks of the group in other loops continue, so if the group's loop can end
// first, they must not refer to objects that are destroyed with that loop.
//
// Thread: the loop in which it is created, except functions marked "Thread-safe".
class TaskGroup final : private LoopOwned {
 public:
  // parent: cancelling it cancels the tasks.
  explicit TaskGroup(Cancellation* parent = nullptr);
  ~TaskGroup() override;

  // Starts the task in that loop, or in the group's, after everything scheduled there before.
  void start(AioContext& loop, Task<void> task);
  void start(Task<void> task);
  // The same for a function that returns a Task; see co_schedule().
  template <internal::TaskFunction Function>
  void start(AioContext& loop, Function function) {
    start(loop, internal::call_and_keep(std::move(function)));
  }
  template <internal::TaskFunction Function>
  void start(Function function) {
    start(internal::call_and_keep(std::move(function)));
  }

  // Thread-safe. Cancels the waits of all tasks, including tasks that start later. Each task still runs to
  // its end.
  void cancel();
  // `co_await group.join()`: waits until all tasks have ended, including tasks that start meanwhile. If the
  // wait is cancelled, cancels the tasks and continues to wait for them. One coroutine at a time.
  Task<void> join();
  // Thread-safe. The number of tasks that have not ended.
  std::size_t running() const;

 private:
  void destroy() override;

  AioContext* const loop_;
  bool loop_ended_ = false;
  const std::shared_ptr<internal::GroupState> state_;
};

// Runs the caller's loop until the Task or other awaitable has ended, and returns its result. For the end of
// a program, `block_on(clients.join())` after MainLoop::run(), for small programs, and for tests. GLib's
// sources, so also signals, are not dispatched meanwhile.
template <class Awaitable>
internal::Awaited<Awaitable> block_on(Awaitable awaitable) {
  AioContext* const loop = AioContext::current();
  invariant(loop && !loop->is_closed(), "block_on() is called in a thread that has no loop");
  std::optional<internal::AwaitedValue<Awaitable>> result;
  co_schedule(*loop, internal::store_result(*loop, std::move(awaitable), result));
  loop->wait_while([&result] { return !result; });
  if constexpr (!std::is_void_v<internal::Awaited<Awaitable>>) return std::move(*result);
}

// A number of permits, for coroutines of one loop. Waiting coroutines get them in the order in which they
// asked.
//
//     Semaphore slots(8);
//     co_await slots.acquire();
//     ...
//     slots.release();
//
// Destroying it during a wait is a broken invariant, unless the loop has ended. Thread: the loop of its
// coroutines.
class Semaphore {
 public:
  class Acquire;

  explicit Semaphore(std::size_t permits) : permits_(permits) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  // `co_await semaphore.acquire()`: takes a permit, and waits until there is one. Returns false if cancelled,
  // without a permit.
  Acquire acquire(Cancellation* cancellation = nullptr);
  // Takes a permit if there is one and no coroutine waits; returns false otherwise.
  bool try_acquire();
  // Returns a permit: the coroutine that has waited longest takes it and continues in the next iteration. May
  // be called without acquire(), to add a permit.
  void release();
  std::size_t available() const { return permits_; }

 private:
  std::size_t permits_;
  Acquire* first_ = nullptr;  // waiting, longest first
  Acquire** end_ = &first_;
};

class Semaphore::Acquire final : public internal::Awaiter {
 public:
  Acquire(Semaphore& semaphore, Cancellation* cancellation) : Awaiter(cancellation), semaphore_(semaphore) {}
  Acquire(Acquire&&) = default;
  ~Acquire() override {
    if (place_) withdraw();
  }

  bool await_ready() {
    if (Awaiter::await_ready()) return true;
    if (!semaphore_.try_acquire()) return false;
    occurred();
    return true;
  }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    if (begin(self)) {
      place_ = semaphore_.end_;
      *place_ = this;
      semaphore_.end_ = &next_;
    }
    own();
  }

 private:
  friend class Semaphore;

  void granted() {
    withdraw();
    resume_later();
  }
  void withdraw() {
    *place_ = next_;
    (next_ ? next_->place_ : semaphore_.end_) = place_;
    place_ = nullptr;
  }
  void cancel() override {
    withdraw();
    resume_cancelled();
  }

  Semaphore& semaphore_;
  Acquire* next_ = nullptr;
  Acquire** place_ = nullptr;  // the pointer to this wait; null: not waiting
};

inline Semaphore::Acquire Semaphore::acquire(Cancellation* cancellation) { return {*this, cancellation}; }
inline bool Semaphore::try_acquire() {
  if (permits_ == 0) return false;
  --permits_;
  return true;
}
inline void Semaphore::release() { first_ ? first_->granted() : void(++permits_); }

}  // namespace qomio

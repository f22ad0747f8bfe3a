// SPDX-License-Identifier: GPL-2.0-or-later
// Random trees of tasks, left early at random points: cancelled, or destroyed with their loop. Nothing may
// leak, and no task may end before those inside it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "qomio/iothread/concurrency.h"
#include "qomio/iothread/coroutine_io.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace concurrency_property_test {

enum class Kind {
  ends_at_once,
  sleeps,
  sleeps_for_ever,
  waits_for_a_wakeup,
  takes_a_permit,
  works_in_the_pool,
  // The kinds below have tasks inside.
  in_turn,
  with_a_timeout,
  all,
  any,
  all_of_a_list,
  any_of_a_list,
  for_each,
  group,
  cancelled_group,
};

// A tree as it was drawn.
struct Plan {
  Kind kind = Kind::ends_at_once;
  std::chrono::nanoseconds delay{};
  std::vector<Plan> inside;
};

void showValue(const Plan& plan,
               std::ostream& out) {  // NOLINT(readability-identifier-naming): rapidcheck's name
  out << static_cast<int>(plan.kind) << '/' << plan.delay.count() << '(';
  for (const Plan& inner : plan.inside) showValue(inner, out);
  out << ')';
}

rc::Gen<Plan> any_plan(int depth) {
  const int kinds =
      depth == 0 ? static_cast<int>(Kind::in_turn) : static_cast<int>(Kind::cancelled_group) + 1;
  return rc::gen::exec([depth, kinds] {
    Plan plan;
    plan.kind = static_cast<Kind>(*rc::gen::inRange(0, kinds));
    plan.delay = std::chrono::microseconds(*rc::gen::inRange(0, 200));
    if (plan.kind < Kind::in_turn) return plan;
    const auto count = *rc::gen::inRange<std::size_t>(1, 4);
    for (std::size_t i = 0; i < count; ++i) plan.inside.push_back(*any_plan(depth - 1));
    return plan;
  });
}

// What all tasks of one tree use.
struct Common {
  Semaphore permits{2};
  int running = 0;  // tasks whose frame exists
  bool broken = false;
};

// Exists as long as the frame of a task does.
class Presence {
 public:
  Presence(Common& common, int* outer) : common_(common), outer_(outer) {
    ++common_.running;
    if (outer_) ++*outer_;
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() {
    --common_.running;
    if (outer_) --*outer_;
  }
  // The tasks inside this one that have begun and not ended.
  int inside = 0;

 private:
  Common& common_;
  int* outer_;
};

Task<> run_plan(const Plan& plan, Common& common, int* outer);

Task<> run_leaf(const Plan& plan, Common& common) {
  switch (plan.kind) {
    case Kind::sleeps:
      (void)co_await sleep_for(plan.delay);
      break;
    case Kind::sleeps_for_ever:
      (void)co_await sleep_for(1h);
      break;
    case Kind::waits_for_a_wakeup: {
      Wakeup wakeup;
      Timer timer = AioContext::current()->timer([&wakeup] { co_wake(wakeup); });
      timer.arm_after(plan.delay);
      (void)co_await woken(wakeup);
      break;
    }
    case Kind::takes_a_permit: {
      const bool taken = co_await common.permits.acquire();
      if (!taken) break;
      (void)co_await sleep_for(plan.delay);
      common.permits.release();
      break;
    }
    case Kind::works_in_the_pool: {
      const auto number = std::make_shared<int>(5);
      const auto work = [number] { return *number; };  // named, since g++ 12 destroys a temporary twice
      const Result<int> result = co_await in_thread_pool(work);
      if (result && *result != 5) common.broken = true;
      break;
    }
    default:
      break;
  }
}

Task<> run_group(const Plan& plan, Common& common, int* outer) {
  TaskGroup tasks;
  for (const Plan& inner : plan.inside) tasks.start(run_plan(inner, common, outer));
  if (plan.kind == Kind::cancelled_group) {
    (void)co_await sleep_for(plan.delay);
    tasks.cancel();
  }
  co_await tasks.join();
}

Task<> run_inner(const Plan& plan, Common& common, int* outer) {
  const Plan& first = plan.inside.front();
  const Plan& last = plan.inside.back();
  const auto run = [&common, outer](const Plan& inner) { return run_plan(inner, common, outer); };
  std::vector<Task<>> tasks;
  switch (plan.kind) {
    case Kind::in_turn:
      for (const Plan& inner : plan.inside) co_await run(inner);
      break;
    case Kind::with_a_timeout:
      (void)co_await with_timeout(plan.delay, run(first));
      break;
    case Kind::all:
      (void)co_await when_all(run(first), sleep_for(plan.delay), run(last));
      break;
    case Kind::any:
      (void)co_await when_any(run(first), sleep_for(plan.delay), run(last));
      break;
    case Kind::all_of_a_list:
      for (const Plan& inner : plan.inside) tasks.push_back(run(inner));
      (void)co_await when_all(std::move(tasks));
      break;
    case Kind::any_of_a_list:
      for (const Plan& inner : plan.inside) tasks.push_back(run(inner));
      (void)co_await when_any(std::move(tasks));
      break;
    case Kind::for_each:
      co_await for_each_concurrent(std::ref(plan.inside), 2, run);
      break;
    default:
      co_await run_group(plan, common, outer);
  }
}

Task<> run_plan(const Plan& plan, Common& common, int* outer) {
  Presence presence(common, outer);
  if (plan.kind < Kind::in_turn) {
    co_await run_leaf(plan, common);
  } else {
    co_await run_inner(plan, common, &presence.inside);
  }
  if (presence.inside != 0) common.broken = true;
}

// How a tree of tasks that still runs is left: it is cancelled, or its loop ends.
enum class End { cancelled, closed };

RC_GTEST_PROP(TasksProperty, leave_nothing_behind_and_outlive_those_inside_them, ()) {
  const Plan plan = *any_plan(3);
  const auto end = *rc::gen::element(End::cancelled, End::closed);
  const int iterations = *rc::gen::inRange(0, 30);
  Common common;
  Cancellation stop;
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    bool ended = false;
    co_schedule(*loop, [&]() -> Task<> {
      TaskGroup tasks(&stop);
      tasks.start(run_plan(plan, common, nullptr));
      co_await tasks.join();
      ended = true;
    });
    for (int i = 0; i < iterations; ++i) loop->poll(false);
    if (end == End::cancelled) {
      stop.cancel();
      while (!ended) loop->poll(true);
      RC_ASSERT(common.running == 0);
      RC_ASSERT(common.permits.available() == 2U);
    }
    loop->close();
  }
  RC_ASSERT(common.running == 0);
  RC_ASSERT(!common.broken);
}

}  // namespace concurrency_property_test
}  // namespace qomio

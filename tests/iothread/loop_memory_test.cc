// SPDX-License-Identifier: GPL-2.0-or-later
// Loops without memory: all allocations fail, at once or after the first few.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/tests/iothread/loop_timeout.h"
#include "qomio/tests/iothread/memory_failure.h"
#include "qomio/tests/iothread/running_loop.h"

#ifndef QOMIO_SANITIZED

namespace qomio {
namespace loop_memory_test {

using ::testing::ElementsAre;

// An I/O thread that has not been woken yet.
class LoopWithoutMemory : public ::testing::TestWithParam<const char*> {
 protected:
  LoopWithoutMemory() { register_iothread_types(); }
  ~LoopWithoutMemory() override { objects_cleanup(); }

  IOThread& io0 = *([] {
    register_iothread_types();
    return object_new_with_props<IOThread>("io0", {{"fd-monitor", GetParam()}, {"poll-max-ns", "10000"}})
        .value();
  }());
  AioContext& loop = io0.context();
  std::atomic<int> calls = 0;

  void count() {
    ++calls;
    calls.notify_one();
  }
  void await_calls(int number) {
    for (int now = 0; (now = calls) < number;) calls.wait(now);
  }
};

INSTANTIATE_TEST_SUITE_P(Monitors, LoopWithoutMemory, ::testing::Values("poll", "epoll", "io_uring"),
                         [](const auto& monitor) { return std::string(monitor.param); });

TEST_P(LoopWithoutMemory, runs_a_function_for_another_thread) {
  std::array<char, 100> large{};
  const NoMemoryAfter none(0);
  EXPECT_TRUE(loop.run_in([&loop = loop, large, this] {
    EXPECT_TRUE(loop.in_home_thread());
    calls += 1 + large[0];
  }));
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopWithoutMemory, runs_bottom_halves_in_their_order_however_many) {
  std::vector<BottomHalf> halves;
  std::vector<int> ran;
  ran.reserve(2000);
  for (int i = 0; i < 1000; ++i) {
    halves.push_back(loop.bh_new("test", [&, i] {
      ran.push_back(i);
      if (i == 500) halves[0].schedule();
      count();
    }));
  }
  {
    const NoMemoryAfter none(0);
    for (BottomHalf& half : halves) half.schedule();
    await_calls(1001);
    halves[0].cancel();
    halves[1].schedule_idle();
    await_calls(1002);
  }
  // Number 0 runs again after all that were scheduled when number 500 ran, so its position varies.
  ran.erase(std::find(ran.begin() + 1, ran.end(), 0));
  std::vector<int> expected;
  for (int i = 0; i < 1000; ++i) expected.push_back(i);
  expected.push_back(1);
  EXPECT_EQ(ran, expected);
  halves.clear();
}

TEST_P(LoopWithoutMemory, fires_timers_set_by_any_thread_however_many) {
  std::vector<Timer> timers;
  std::vector<int> fired;
  fired.reserve(3000);
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(loop.timer([this, &fired, i] {
      fired.push_back(i);
      count();
    }));
  }
  const std::int64_t hour = 3'600'000'000'000;
  {
    const NoMemoryAfter none(0);
    // Armed by this thread, then by the loop's thread, which fires none before it has armed all.
    for (std::size_t i = 0; i < 1000; ++i) timers[i].arm_after(std::chrono::hours(1));
    for (std::size_t i = 0; i < 1000; i += 2) timers[i].cancel();
    loop.run_in([&] {
      for (std::size_t i = 0; i < 1000; ++i) EXPECT_EQ(timers[i].armed(), i % 2 == 1);
      EXPECT_LE(timeout_of(loop), hour);
      for (std::size_t i = 0; i < 1000; ++i) timers[i].arm_at(static_cast<std::int64_t>(1000 - i));
    });
    await_calls(1000);
    loop.run_in([&] {
      for (std::size_t i = 0; i < 1000; ++i) timers[i].arm_no_later_than(static_cast<std::int64_t>(1 + i));
    });
    await_calls(2000);
    for (std::size_t i = 0; i < 1000; ++i) timers[i].arm_after(std::chrono::hours(1));
    while (!timers.empty()) timers.pop_back();
    loop.run_in([] {});
  }
  std::vector<int> expected;
  for (int i = 999; i >= 0; --i) expected.push_back(i);
  for (int i = 0; i < 1000; ++i) expected.push_back(i);
  EXPECT_EQ(fired, expected);
}

TEST_P(LoopWithoutMemory, keeps_the_order_of_timers_when_memory_comes_back) {
  std::vector<Timer> timers;
  std::vector<int> fired;
  fired.reserve(100);
  for (int i = 0; i < 100; ++i) {
    timers.push_back(loop.timer([this, &fired, i] {
      fired.push_back(i);
      count();
    }));
  }
  loop.run_in([&] {
    {
      const NoMemoryAfter none(0);
      for (std::size_t i = 0; i < 50; ++i) timers[i].arm_at(static_cast<std::int64_t>(2 + i % 2));
      (void)timeout_of(loop);
    }
    for (std::size_t i = 50; i < 100; ++i) timers[i].arm_at(static_cast<std::int64_t>(2 + i % 2));
  });
  await_calls(100);
  std::vector<int> expected;
  for (int i = 0; i < 100; i += 2) expected.push_back(i);
  for (int i = 1; i < 100; i += 2) expected.push_back(i);
  EXPECT_EQ(fired, expected);
  timers.clear();
}

TEST_P(LoopWithoutMemory, calls_the_handlers_of_descriptors_and_takes_them_away) {
  std::deque<EventNotifier> notifiers;
  for (int i = 0; i < 200; ++i) {
    EventNotifier& notifier = notifiers.emplace_back(EventNotifier::create().value());
    loop.set_event_notifier(notifier, {.read = [this] { count(); }});
  }
  EventNotifier polled = EventNotifier::create().value();
  loop.set_fd_handler(polled.fd(), {.read = [] {},
                                    .poll = [&polled] { return polled.test_and_clear(); },
                                    .poll_ready = [this] { count(); }});
  // The function is too large to be stored inside std::function, so copying it would allocate.
  EventNotifier both = EventNotifier::create().value();
  const std::array<char, 100> large{};
  int owner = 0;
  loop.run_in([&] {
    const auto called = [this, large, &both] {
      if (both.test_and_clear()) calls += 1 + large[0];
      calls.notify_one();
    };
    EXPECT_TRUE(loop.add_fd_handler(both.fd(), FdDirection::read, called, &owner));
  });
  {
    const NoMemoryAfter none(0);
    for (EventNotifier& notifier : notifiers) notifier.signal();
    both.signal();
    await_calls(201);
    for (int i = 0; i < 10; ++i) {
      polled.signal();
      loop.run_in([this] { loop.poll(false); });
    }
    loop.run_in([&] {
      loop.remove_fd_handler(both.fd(), FdDirection::read, &owner);
      loop.set_fd_handler(polled.fd(), {});
      for (EventNotifier& notifier : notifiers) loop.set_event_notifier(notifier, {});
    });
  }
  EXPECT_EQ(loop.stats()[LoopStat::handlers], 0);
}

TEST_P(LoopWithoutMemory, takes_away_one_direction_of_two) {
  EventNotifier both = EventNotifier::create().value();
  const std::array<char, 100> large{};
  int owner = 0;
  loop.run_in([&] {
    const auto called = [this, large] { calls += 1 + large[0]; };
    EXPECT_TRUE(loop.add_fd_handler(both.fd(), FdDirection::read, called, &owner));
    EXPECT_TRUE(loop.add_fd_handler(
        both.fd(), FdDirection::write,
        [this, large, &both, &owner] {
          calls += 1 + large[0];
          loop.remove_fd_handler(both.fd(), FdDirection::write, &owner);
          calls.notify_one();
        },
        &owner));
    allocations_left = 0;
  });
  await_calls(1);
  loop.run_in([&] {
    loop.remove_fd_handler(both.fd(), FdDirection::read, &owner);
    allocations_left = -1;
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(loop.stats()[LoopStat::handlers], 0);
}

Task<> await_readable(int fd, std::atomic<int>& calls) {
  calls += co_await readable(fd) ? 10 : 1;
  calls.notify_one();
}

TEST_P(LoopWithoutMemory, tells_a_coroutine_that_its_descriptor_is_taken_away) {
  EventNotifier notifier = EventNotifier::create().value();
  co_schedule(loop, await_readable(notifier.fd(), calls));
  loop.run_in([&] {
    EXPECT_EQ(loop.stats()[LoopStat::handlers], 1);
    allocations_left = 0;
    try {
      for (;;) loop.schedule_oneshot([] {});
    } catch (const std::bad_alloc&) {
      loop.set_fd_handler(notifier.fd(), {});
    }
  });
  await_calls(1);
  allocations_left = -1;
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopWithoutMemory, takes_new_parameters) {
  const NoMemoryAfter none(0);
  loop.set_params({.poll_max_ns = 1'000'000, .poll_policy = PollPolicy::weighted});
  EXPECT_TRUE(loop.run_in([] {}));
  loop.set_params({.poll_max_ns = 0});
  EXPECT_TRUE(loop.run_in([] {}));
}

TEST_P(LoopWithoutMemory, is_waited_for_and_kicked) {
  const Ref<AioContext> own = make_loop();
  const CurrentAioContext current(*own);
  BottomHalf half = loop.bh_new("test", [this] {
    count();
    loop.wait_kick();
  });
  {
    const NoMemoryAfter none(0);
    half.schedule();
    loop.wait_while([this] { return calls == 0; });
  }
  EXPECT_EQ(calls, 1);
}

TEST_P(LoopWithoutMemory, stops) {
  bool stopped = false;
  {
    const NoMemoryAfter none(0);
    stopped = io0.stop().has_value();
  }
  EXPECT_TRUE(stopped);
  EXPECT_EQ(io0.thread_id(), 0);
}

TEST_P(LoopWithoutMemory, stops_while_it_runs_a_g_main_context) {
  ASSERT_TRUE(io0.g_main_context().has_value());
  loop.run_in([] {});
  bool stopped = false;
  {
    const NoMemoryAfter none(0);
    io0.release_g_main_context();
    stopped = io0.stop().has_value();
  }
  EXPECT_TRUE(stopped);
}

TEST_P(LoopWithoutMemory, is_deleted) {
  loop.run_in([this] { (void)loop.thread_pool(); });
  bool deleted = false;
  {
    const NoMemoryAfter none(0);
    deleted = user_creatable_del("io0").has_value();
  }
  EXPECT_TRUE(deleted);
  EXPECT_EQ(iothread_by_id("io0"), nullptr);
}

TEST_P(LoopWithoutMemory, is_taken_out_of_the_tree) {
  const NoMemoryAfter none(0);
  object_unparent(io0);
}

// Calls the function with memory for 0, 1, 2, ... allocations, until that is enough.
template <class Function>
void without_memory_after_each_piece(const Function& function) {
  for (int pieces = 0;; ++pieces) {
    bool none_failed = false;
    {
      const NoMemoryAfter none(pieces);
      function();
      none_failed = allocations_left > 0;
    }
    if (none_failed || ::testing::Test::HasFailure()) return;
  }
}

TEST_P(LoopWithoutMemory, refuses_a_call_once_that_it_has_no_memory_for_and_loses_none_of_the_others) {
  int scheduled = 0;
  const std::array<char, 100> large{};
  without_memory_after_each_piece([&] {
    try {
      loop.schedule_oneshot([this] { count(); });
      ++scheduled;
      loop.schedule_oneshot([this, large] { calls += 1 + large[0]; });
      ++scheduled;
    } catch (const std::bad_alloc&) {
    }
    loop.run_in([] {});
  });
  {
    const NoMemoryAfter none(0);
    try {
      for (;; ++scheduled) loop.schedule_oneshot([this] { count(); });
    } catch (const std::bad_alloc&) {
    }
  }
  loop.run_in([] {});
  EXPECT_EQ(calls, scheduled);
}

TEST_P(LoopWithoutMemory, refuses_a_descriptor_that_it_has_no_memory_for_and_keeps_the_others) {
  std::deque<EventNotifier> notifiers;
  int added = 0;
  for (int i = 0; i < 70; ++i) {
    EventNotifier& notifier = notifiers.emplace_back(EventNotifier::create().value());
    without_memory_after_each_piece([&] {
      loop.run_in([&] {
        try {
          loop.set_event_notifier(notifier, {.read = [this] { count(); }});
          ++added;
          loop.set_event_notifier(notifier, {});
          --added;
        } catch (const std::bad_alloc&) {
        }
      });
      EXPECT_EQ(loop.stats()[LoopStat::handlers], added);
    });
    loop.set_event_notifier(notifier, {.read = [this] { count(); }});
    loop.run_in([] {});
    ++added;
    notifier.signal();
    await_calls(i + 1);
  }
  loop.run_in([&] {
    for (EventNotifier& notifier : notifiers) loop.set_event_notifier(notifier, {});
  });
}

TEST_P(LoopWithoutMemory, watches_a_descriptor_of_another_thread_as_soon_as_it_has_the_memory) {
  std::deque<EventNotifier> notifiers;
  int added = 0;
  for (int i = 0; i < 70; ++i) {
    for (int pieces = 0; pieces < 12; ++pieces) {
      EventNotifier& notifier = notifiers.emplace_back(EventNotifier::create().value());
      {
        const NoMemoryAfter none(pieces);
        try {
          loop.set_event_notifier(notifier, {.read = [this] { count(); }});
          ++added;
        } catch (const std::bad_alloc&) {
        }
        loop.run_in([] {});
      }
      notifier.signal();
      await_calls(added);
    }
  }
  EXPECT_EQ(loop.stats()[LoopStat::handlers], added);
  EXPECT_GT(added, 0);
  loop.run_in([&] {
    for (EventNotifier& notifier : notifiers) loop.set_event_notifier(notifier, {});
  });
  EXPECT_EQ(calls, added);
}

TEST_P(LoopWithoutMemory, ends_although_a_descriptor_was_never_watched) {
  EventNotifier notifier = EventNotifier::create().value();
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  std::atomic<bool> entered = false;
  std::atomic<bool> go = false;
  BottomHalf hold = loop.bh_new("hold", [&] {
    entered = true;
    entered.notify_one();
    go.wait(false);
  });
  hold.schedule();
  entered.wait(false);
  loop.set_event_notifier(notifier, {.read = [kept = std::move(owned)] {}});
  {
    const NoMemoryAfter none(0);
    go = true;
    go.notify_one();
    loop.run_in([] {});
    EXPECT_TRUE(io0.stop().has_value());
  }
  hold = {};
  EXPECT_TRUE(user_creatable_del("io0").has_value());
  EXPECT_TRUE(watch.expired());
}

TEST_P(LoopWithoutMemory, makes_no_timer_and_no_bottom_half_and_goes_on) {
  without_memory_after_each_piece([&] {
    try {
      const Timer timer = loop.timer([] {});
      const BottomHalf half = loop.bh_new("a name that is longer than what a string holds itself", [] {});
    } catch (const std::bad_alloc&) {
    }
    EXPECT_TRUE(loop.run_in([] {}));
  });
}

TEST_P(LoopWithoutMemory, finishes_jobs_that_were_given_to_its_threads) {
  std::atomic<bool> go = false;
  loop.run_in([&] {
    loop.set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 2});
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(loop.thread_pool().submit([&go] { go.wait(false); }, [this] { count(); }).has_value());
    }
  });
  const NoMemoryAfter none(0);
  go = true;
  go.notify_all();
  await_calls(50);
}

TEST_P(LoopWithoutMemory, refuses_jobs_and_loses_none) {
  int given = 0;
  without_memory_after_each_piece([&] {
    loop.run_in([&] {
      try {
        if (loop.thread_pool().submit([] {}, [this] { count(); })) ++given;
      } catch (const std::bad_alloc&) {
      }
    });
  });
  await_calls(given);
  EXPECT_GT(given, 0);
}

}  // namespace loop_memory_test
}  // namespace qomio

#endif

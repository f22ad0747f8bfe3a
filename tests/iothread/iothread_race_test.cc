// SPDX-License-Identifier: GPL-2.0-or-later
// IOThreads that are created, changed and deleted while other threads use them.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/iothread/with_iothreads.h"

namespace qomio {
namespace iothread_race_test {

std::size_t entries(const char* directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()));
}

class IOThreadRaces : public WithIOThreads {};

TEST_F(IOThreadRaces, started_and_stopped_a_thousand_times_leaves_nothing) {
  {
    const auto first = add("io0");
  }
  ASSERT_TRUE(user_creatable_del("io0").has_value());
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  for (int i = 0; i < 1000; ++i) {
    add("io0")->context().schedule_oneshot([] {});
    ASSERT_TRUE(user_creatable_del("io0").has_value());
  }
  EXPECT_EQ(entries("/proc/self/fd"), descriptors);
  EXPECT_LE(entries("/proc/self/task"), threads);
}

TEST_F(IOThreadRaces, what_is_posted_while_it_stops_is_run_or_freed) {
  for (int i = 0; i < 200; ++i) {
    const auto counted = std::make_shared<int>();
    std::atomic<bool> started = false;
    std::thread poster;
    {
      const auto io0 = add("io0");
      poster = std::thread([loop = Ref(io0->context()), counted, &started] {
        for (int post = 0; post < 50; ++post) {
          loop->schedule_oneshot([counted] {});
          started = true;
          started.notify_one();
        }
      });
      started.wait(false);
      ASSERT_TRUE(io0->stop().has_value());
      ASSERT_TRUE(user_creatable_del("io0").has_value());
    }
    poster.join();
    EXPECT_EQ(counted.use_count(), 1);
  }
}

TEST_F(IOThreadRaces, properties_are_set_and_queried_while_it_works) {
  const auto io0 = add("io0");
  std::atomic<int> answers = 0;
  std::jthread user([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) io0->context().run_in([&] { ++answers; });
  });
  for (int i = 0; i < 1000 || answers < 100; ++i) {
    ASSERT_TRUE(io0->set_property("poll-max-ns", Json((i % 3) * 4000)).has_value());
    ASSERT_TRUE(io0->set_property("poll-policy", Json(i % 2 ? "weighted" : "arrival")).has_value());
    ASSERT_TRUE(query_iothread_stats({}).has_value());
    ASSERT_TRUE(query_iothreads().has_value());
  }
}

TEST_F(IOThreadRaces, others_are_queried_while_some_come_and_go) {
  const auto steady = add("steady");
  for (int i = 0; i < 300; ++i) {
    add("io0");
    EXPECT_EQ(query_iothreads().value().size(), 2);
    EXPECT_EQ(query_iothread_stats({}).value().size(), 2);
    ASSERT_TRUE(user_creatable_del("io0").has_value());
    EXPECT_EQ(query_iothreads().value().size(), 1);
  }
}

TEST_F(IOThreadRaces, its_g_main_context_is_taken_and_given_back_while_it_works) {
  const auto io0 = add("io0");
  std::vector<std::jthread> threads;
  std::atomic<int> ran = 0;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(io0->g_main_context().has_value());
        io0->context().run_in([&] { ++ran; });
        io0->release_g_main_context();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(ran, 600);
}

TEST_F(IOThreadRaces, threads_post_to_each_other) {
  constexpr int kRounds = 2000;
  const auto a = add("a");
  const auto b = add("b");
  std::atomic<bool> done = false;
  struct Ball {
    AioContext* here;
    AioContext* there;
    int left;
    std::atomic<bool>* done;
    void operator()() {
      if (left == 0) {
        *done = true;
        done->notify_one();
        return;
      }
      there->schedule_oneshot(Ball{there, here, left - 1, done});
    }
  };
  a->context().schedule_oneshot(Ball{&a->context(), &b->context(), kRounds, &done});
  done.wait(false);
}

}  // namespace iothread_race_test
}  // namespace qomio

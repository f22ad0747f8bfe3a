// SPDX-License-Identifier: GPL-2.0-or-later
// A loop that a GMainContext iterates.
#include <fcntl.h>
#include <glib.h>
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace loop_source_test {

class AioSource : public InLoop {
 protected:
  GMainContext* context = ::g_main_context_new();

  AioSource() { ::g_source_attach(loop->g_source(), context); }
  ~AioSource() override {
    ::g_source_destroy(loop->g_source());
    ::g_main_context_unref(context);
  }
  bool iterate(bool blocking = false) { return ::g_main_context_iteration(context, blocking); }
};

TEST_F(AioSource, is_made_once) { EXPECT_EQ(loop->g_source(), loop->g_source()); }

TEST_F(AioSource, has_nothing_to_dispatch_at_first) { EXPECT_FALSE(iterate()); }

TEST_F(AioSource, runs_bottom_halves) {
  int ran = 0;
  loop->schedule_oneshot([&] { ++ran; });
  EXPECT_TRUE(iterate(true));
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(iterate());
}

TEST_F(AioSource, fires_timers_and_never_early) {
  std::int64_t fired_ns = 0;
  Timer timer = loop->timer([&] { fired_ns = clock_now_ns(); });
  const std::int64_t due = clock_now_ns() + 1'500'000;
  timer.arm_at(due);
  while (fired_ns == 0) iterate(true);
  EXPECT_GE(fired_ns, due);
}

TEST_F(AioSource, runs_idle_bottom_halves) {
  bool ran = false;
  BottomHalf idle = loop->bh_new("idle", [&] { ran = true; });
  idle.schedule_idle();
  while (!ran) iterate(true);
}

void spin_for(std::int64_t ns) {
  const std::int64_t end = clock_now_ns() + ns;
  while (clock_now_ns() < end) {
  }
}

TEST_F(AioSource, counts_how_long_it_was_held_up) {
  loop->schedule_oneshot([] { spin_for(2'000'000); });
  iterate(true);
  iterate();
  EXPECT_GE(loop->stats()[LoopStat::max_lag_ns], 2'000'000);
}

TEST_F(AioSource, counts_as_sleep_what_a_more_urgent_source_has_ended) {
  iterate();
  // On a busy machine the 20 ms may be over before the loop sleeps; the test is then repeated.
  LoopStats before;
  do {
    before = loop->stats();
    GSource* const urgent = ::g_timeout_source_new(20);
    bool fired = false;
    ::g_source_set_callback(
        urgent,
        [](gpointer data) -> gboolean {
          *static_cast<bool*>(data) = true;
          return G_SOURCE_REMOVE;
        },
        &fired, nullptr);
    ::g_source_set_priority(urgent, G_PRIORITY_HIGH);
    ::g_source_attach(urgent, context);
    while (!fired) iterate(true);
    ::g_source_unref(urgent);
    iterate();
  } while (loop->stats()[LoopStat::blocked_ns] - before[LoopStat::blocked_ns] < 10'000'000);
}

TEST_F(AioSource, watches_descriptors_few_and_many) {
  std::deque<EventNotifier> notifiers;
  std::size_t calls = 0;
  for (std::size_t i = 0; i < FdMonitor::kEpollThreshold + 5; ++i) {
    EventNotifier& notifier = notifiers.emplace_back(EventNotifier::create().value());
    loop->set_event_notifier(notifier, {.read = [&] { ++calls; }});
    notifier.signal();
    while (calls == i) ASSERT_TRUE(iterate(true));
    EXPECT_FALSE(iterate());
  }
  EXPECT_EQ(calls, notifiers.size());
  EXPECT_EQ(loop->stats().fd_monitor, FdMonitorKind::epoll);
  for (EventNotifier& notifier : notifiers) loop->set_event_notifier(notifier, {});
  EXPECT_FALSE(iterate());
}

TEST_F(AioSource, is_woken_by_another_thread) {
  for (int i = 0; i < 200; ++i) {
    bool ran = false;
    const std::jthread poster([&] { loop->schedule_oneshot([&] { ran = true; }); });
    while (!ran) iterate(true);
  }
}

TEST_F(AioSource, is_woken_by_what_another_source_schedules) {
  bool ran = false;
  GSource* const other = ::g_idle_source_new();
  ::g_source_set_callback(
      other,
      [](gpointer data) -> gboolean {
        auto& self = *static_cast<std::pair<AioContext*, bool*>*>(data);
        self.first->schedule_oneshot([flag = self.second] { *flag = true; });
        return G_SOURCE_REMOVE;
      },
      new std::pair(loop.get(), &ran),
      [](gpointer data) { delete static_cast<std::pair<AioContext*, bool*>*>(data); });
  ::g_source_set_priority(other, G_PRIORITY_HIGH);  // GLib prepares the loop's source but does not check it
  ::g_source_attach(other, context);
  ::g_source_unref(other);
  while (!ran) iterate(true);
}

TEST_F(AioSource, may_be_iterated_directly_and_nested) {
  int ran = 0;
  loop->schedule_oneshot([&] {
    loop->schedule_oneshot([&] { ++ran; });
    iterate(true);
    loop->schedule_oneshot([&] { ++ran; });
    loop->poll(true);
  });
  iterate(true);
  EXPECT_EQ(ran, 2);
  loop->schedule_oneshot([&] { ++ran; });
  EXPECT_TRUE(loop->poll(true));
  EXPECT_EQ(ran, 3);
}

TEST_F(AioSource, does_not_poll) {
  loop->set_params(
      {.poll_max_ns = 3'600'000'000'000, .poll_grow = INT64_MAX, .poll_policy = PollPolicy::classic});
  for (int i = 0; i < 20; ++i) {
    Timer timer = loop->timer([] {});
    timer.arm_after(1us);
    while (timer.armed()) iterate(true);
  }
  EXPECT_EQ(loop->stats()[LoopStat::polls], 0);
}

TEST(AioSources, watch_descriptors_with_io_uring_too) {
  const Ref<AioContext> loop = AioContext::create("test", FdMonitorKind::io_uring).value();
  if (loop->stats().fd_monitor != FdMonitorKind::io_uring) GTEST_SKIP() << "the kernel refuses io_uring";
  const CurrentAioContext current(*loop);
  GMainContext* const context = ::g_main_context_new();
  ::g_source_attach(loop->g_source(), context);
  EventNotifier notifier = EventNotifier::create().value();
  int calls = 0;
  loop->set_event_notifier(notifier, {.read = [&] { ++calls; }});
  for (int i = 1; i <= 100; ++i) {
    std::thread signaller([&] { notifier.signal(); });
    while (calls < i) ::g_main_context_iteration(context, TRUE);
    signaller.join();
  }
  EXPECT_FALSE(::g_main_context_iteration(context, FALSE));
  loop->set_event_notifier(notifier, {});
  ::g_main_context_unref(context);
}

TEST(AioSources, are_destroyed_with_their_loop) {
  GMainContext* const context = ::g_main_context_new();
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    ::g_source_attach(loop->g_source(), context);
    EXPECT_FALSE(::g_main_context_iteration(context, FALSE));
  }
  EXPECT_FALSE(::g_main_context_iteration(context, FALSE));
  ::g_main_context_unref(context);
}

}  // namespace loop_source_test
}  // namespace qomio

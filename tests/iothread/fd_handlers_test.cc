// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/fd_handlers.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace fd_handlers_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_NONBLOCK | O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_writer();
    ::close(ends_[0]);
  }

  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void put() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  bool take() const {
    char byte = 0;
    return ::read(ends_[0], &byte, 1) == 1;
  }
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

class FdHandlersTest : public InLoop {
 protected:
  Pipe pipe;
  Pipe other;
  std::vector<std::string> ran;

  std::function<void()> say(std::string what) {
    return [this, text = std::move(what)] { ran.push_back(text); };
  }
  std::function<void()> take_and_say(const Pipe& from, std::string what) {
    return [this, &from, text = std::move(what)] {
      from.take();
      ran.push_back(text);
    };
  }
};

TEST_F(FdHandlersTest, calls_read_when_there_is_something_to_read) {
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read")});
  EXPECT_FALSE(loop->poll(false));
  pipe.put();
  EXPECT_TRUE(loop->poll(true));
  EXPECT_FALSE(loop->poll(false));
  EXPECT_THAT(ran, ElementsAre("read"));
  EXPECT_EQ(loop->stats()[LoopStat::fd_events], 1);
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 1);
}

TEST_F(FdHandlersTest, calls_again_while_something_is_left) {
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read")});
  pipe.put();
  pipe.put();
  drain();
  EXPECT_THAT(ran, ElementsAre("read", "read"));
}

TEST_F(FdHandlersTest, calls_write_when_there_is_room) {
  loop->set_fd_handler(pipe.writer(), {.write = say("write")});
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre("write"));
}

TEST_F(FdHandlersTest, tells_both_of_a_hang_up) {
  loop->set_fd_handler(pipe.reader(), {.read = say("read"), .write = say("write")});
  pipe.close_writer();
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre("read", "write"));
}

TEST_F(FdHandlersTest, replaces_what_was_set_before) {
  loop->set_fd_handler(pipe.reader(), {.read = say("old")});
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "new")});
  pipe.put();
  drain();
  EXPECT_THAT(ran, ElementsAre("new"));
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 1);
}

TEST_F(FdHandlersTest, stops_watching_when_all_are_empty) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  loop->set_fd_handler(pipe.reader(), {.read = [kept = std::move(owned)] {}});
  pipe.put();
  loop->set_fd_handler(pipe.reader(), {});
  EXPECT_FALSE(loop->poll(false));
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
  loop->set_fd_handler(pipe.reader(), {});
}

TEST_F(FdHandlersTest, watches_a_regular_file) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  loop->set_fd_handler(::fileno(file), {.read = say("file")});
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre("file"));
  loop->set_fd_handler(::fileno(file), {});
  std::fclose(file);
}

TEST_F(FdHandlersTest, sleeps_although_a_descriptor_closed_too_early_is_ready_elsewhere) {
  std::vector<std::unique_ptr<Pipe>> pipes(2 * FdMonitor::kEpollThreshold);
  for (auto& each : pipes) {
    each = std::make_unique<Pipe>();
    loop->set_fd_handler(each->reader(), {.read = [] {}});
  }
  const int closed = ::eventfd(0, EFD_NONBLOCK);
  const int same = ::dup(closed);
  loop->set_fd_handler(closed, {.read = [] { FAIL(); }});
  ::close(closed);
  loop->set_fd_handler(closed, {});
  ASSERT_EQ(::eventfd_write(same, 1), 0);
  drain();
  bool fired = false;
  Timer timer = loop->timer([&] { fired = true; });
  timer.arm_after(1ms);
  loop->poll(true);  // sleeps until the timer fires
  EXPECT_TRUE(fired);
  ::close(same);
  for (const auto& each : pipes) loop->set_fd_handler(each->reader(), {});
}

TEST_F(FdHandlersTest, goes_over_to_epoll_when_there_are_many_and_loses_none) {
  std::vector<std::unique_ptr<Pipe>> pipes(2 * FdMonitor::kEpollThreshold);
  std::size_t calls = 0;
  for (auto& each : pipes) {
    each = std::make_unique<Pipe>();
    loop->set_fd_handler(each->reader(),
                         {.read = [&calls, from = each.get()] { calls += from->take() ? 1 : 0; }});
    each->put();
  }
  EXPECT_EQ(loop->stats().fd_monitor, FdMonitorKind::epoll);
  drain();
  EXPECT_EQ(calls, pipes.size());
  for (auto& each : pipes) loop->set_fd_handler(each->reader(), {});
}

TEST_F(FdHandlersTest, a_handler_may_take_itself_away) {
  auto owned = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = owned;
  loop->set_fd_handler(pipe.reader(), {.read = [&, kept = std::move(owned)] {
                         loop->set_fd_handler(pipe.reader(), {});
                         ran.push_back(std::to_string(*kept));
                       }});
  pipe.put();
  EXPECT_TRUE(loop->poll(true));
  EXPECT_FALSE(loop->poll(false));
  EXPECT_THAT(ran, ElementsAre("7"));
  EXPECT_TRUE(watch.expired());
}

TEST_F(FdHandlersTest, one_taken_away_by_another_is_not_called_any_more) {
  const auto only = [this](int gone, const char* name) {
    return [this, gone, name] {
      loop->set_fd_handler(gone, {});
      ran.emplace_back(name);
    };
  };
  loop->set_fd_handler(pipe.reader(), {.read = only(other.reader(), "first")});
  loop->set_fd_handler(other.reader(), {.read = only(pipe.reader(), "second")});
  pipe.put();
  other.put();
  loop->poll(true);
  EXPECT_EQ(ran.size(), 1);
}

TEST_F(FdHandlersTest, read_that_takes_its_handler_away_prevents_write) {
  loop->set_fd_handler(pipe.reader(),
                       {.read = [&] { loop->set_fd_handler(pipe.reader(), {}); }, .write = say("write")});
  pipe.close_writer();
  drain();
  EXPECT_THAT(ran, IsEmpty());
}

TEST_F(FdHandlersTest, nested_iteration_takes_over_what_is_ready_and_nothing_is_called_twice) {
  const auto nested = [this](const Pipe& from, const char* name) {
    return [this, &from, name] {
      EXPECT_TRUE(from.take());
      ran.emplace_back(name);
      loop->poll(false);
    };
  };
  loop->set_fd_handler(pipe.reader(), {.read = nested(pipe, "a")});
  loop->set_fd_handler(other.reader(), {.read = nested(other, "b")});
  pipe.put();
  other.put();
  loop->poll(true);
  EXPECT_THAT(ran, ::testing::UnorderedElementsAre("a", "b"));
}

TEST_F(FdHandlersTest, event_notifier_is_cleared_before_its_handler_runs) {
  EventNotifier notifier = EventNotifier::create().value();
  loop->set_event_notifier(notifier, {.read = say("notified")});
  notifier.signal();
  drain();
  EXPECT_THAT(ran, ElementsAre("notified"));
  loop->set_event_notifier(notifier, {});
}

TEST_F(FdHandlersTest, descriptors_are_looked_at_even_if_bottom_halves_never_end) {
  loop->set_fd_handler(
      pipe.reader(),
      {.read = take_and_say(pipe, "read"), .poll = [] { return false; }, .poll_ready = say("poll")});
  pipe.put();
  BottomHalf busy;
  busy = loop->bh_new("busy", [&] { busy.schedule(); });
  busy.schedule();
  for (int i = 0; i < 100 && ran.empty(); ++i) loop->poll(true);
  EXPECT_THAT(ran, ElementsAre("read"));
}

TEST(FdHandlers, set_from_another_thread_are_watched_by_a_sleeping_loop) {
  RunningLoop loop;
  for (int i = 0; i < 100; ++i) {
    const Pipe pipe;
    std::atomic<bool> read = false;
    loop->set_fd_handler(pipe.reader(), {.read = [&] {
                           pipe.take();
                           read = true;
                           read.notify_one();
                         }});
    pipe.put();
    read.wait(false);
    loop->set_fd_handler(pipe.reader(), {});
    loop->run_in([] {});
  }
}

// A polled handler. `work` stands for a device that signals its descriptor only while it is not polled.
class PolledHandlers : public FdHandlersTest {
 protected:
  int work = 0;
  bool polling = false;

  void SetUp() override {
    // So long that a busy poll never times out.
    loop->set_params(
        {.poll_max_ns = 3'600'000'000'000, .poll_grow = INT64_MAX, .poll_policy = PollPolicy::classic});
    loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read"),
                                         .poll = [this] { return next_work(); },
                                         .poll_ready =
                                             [this] {
                                               --work;
                                               ran.emplace_back("polled");
                                             },
                                         .poll_begin = [this] { turn(true, "begin"); },
                                         .poll_end = [this] { turn(false, "end"); }});
    wait_for_read();
    wait_for_read();
    ASSERT_FALSE(polling);
    ASSERT_EQ(loop->stats()[LoopStat::poll_window_ns], 3'600'000'000'000);
    ran.clear();
  }
  void TearDown() override { loop->set_fd_handler(pipe.reader(), {}); }
  bool next_work() const { return work > 0; }
  void turn(bool on, const char* what) {
    EXPECT_NE(polling, on) << "begin and end come in turn";
    polling = on;
    ran.emplace_back(what);
  }
  // Called twice: the first event opens the polling window, the second grows it to its maximum.
  void wait_for_read() {
    pipe.put();
    while (pipe_is_readable()) loop->poll(true);
  }
  bool pipe_is_readable() const {
    pollfd entry{.fd = pipe.reader(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
  }
};

TEST_F(PolledHandlers, joins_when_it_is_ready_for_the_first_time) {
  EXPECT_EQ(loop->stats()[LoopStat::polled_handlers], 1);
  Pipe silent;
  loop->set_fd_handler(silent.reader(),
                       {.read = say("silent"), .poll = [] { return false; }, .poll_ready = [] {}});
  EXPECT_EQ(loop->stats()[LoopStat::polled_handlers], 1);
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 2);
  loop->set_fd_handler(silent.reader(), {});
}

TEST_F(PolledHandlers, hit_is_served_by_poll_ready_without_a_sleep) {
  const LoopStats before = loop->stats();
  work = 1;
  EXPECT_TRUE(loop->poll(true));
  EXPECT_THAT(ran, ElementsAre("begin", "polled"));
  const LoopStats after = loop->stats();
  EXPECT_EQ(after[LoopStat::wakeups], before[LoopStat::wakeups]);
  EXPECT_EQ(after[LoopStat::poll_hits], before[LoopStat::poll_hits] + 1);
  EXPECT_EQ(after[LoopStat::polls], after[LoopStat::poll_hits] + after[LoopStat::poll_misses]);
}

TEST_F(PolledHandlers, poll_mode_lasts_over_hits_and_looks_at_other_descriptors) {
  work = 3;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(loop->poll(true));
  EXPECT_TRUE(polling);
  loop->set_fd_handler(other.reader(), {.read = take_and_say(other, "read")});  // has no poll callback
  other.put();
  EXPECT_TRUE(loop->poll(true));
  EXPECT_TRUE(polling);
  EXPECT_THAT(ran, ElementsAre("begin", "polled", "polled", "polled", "read"));
  loop->set_fd_handler(other.reader(), {});
}

TEST_F(PolledHandlers, descriptor_that_becomes_ready_is_seen_without_a_sleep) {
  const LoopStats before = loop->stats();
  std::atomic<bool> put = false;
  loop->set_fd_handler(other.reader(), {.read = take_and_say(other, "read")});
  std::thread writer([&] {
    while (!put) std::this_thread::yield();
    other.put();
  });
  work = 1;  // ends the first iteration; the loop stays in poll mode
  loop->poll(true);
  put = true;
  loop->poll(true);
  writer.join();
  EXPECT_THAT(ran, ElementsAre("begin", "polled", "read"));
  EXPECT_EQ(loop->stats()[LoopStat::wakeups], before[LoopStat::wakeups]);
  EXPECT_EQ(loop->stats()[LoopStat::poll_hits], before[LoopStat::poll_hits] + 2);
  loop->set_fd_handler(other.reader(), {});
}

TEST_F(PolledHandlers, one_not_yet_in_the_polled_set_is_seen_without_a_sleep_too) {
  loop->set_fd_handler(
      other.reader(),
      {.read = take_and_say(other, "read"), .poll = [] { return false; }, .poll_ready = [] {}});
  const std::uint64_t wakeups = loop->stats()[LoopStat::wakeups];
  std::thread writer([&] { other.put(); });
  loop->poll(true);
  writer.join();
  EXPECT_THAT(ran, ElementsAre("begin", "read"));
  EXPECT_EQ(loop->stats()[LoopStat::wakeups], wakeups);
  EXPECT_EQ(loop->stats()[LoopStat::polled_handlers], 2);
  loop->set_fd_handler(other.reader(), {});
}

TEST_F(PolledHandlers, event_that_comes_while_poll_mode_ends_is_not_missed) {
  work = 1;
  loop->poll(true);
  ran.clear();
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read"),
                                       .poll = [this] { return next_work(); },
                                       .poll_ready =
                                           [this] {
                                             --work;
                                             ran.emplace_back("polled");
                                           },
                                       .poll_end =
                                           [this] {
                                             work = 1;
                                             ran.emplace_back("end");
                                           }});
  ran.clear();
  loop->set_params({.poll_max_ns = 0});
  while (ran.empty()) loop->poll(true);
  EXPECT_THAT(ran, ElementsAre("end", "polled"));
}

TEST_F(PolledHandlers, iteration_inside_the_end_of_poll_mode_leaves_no_later_post_unheard) {
  work = 1;
  loop->poll(true);
  bool nested = false;
  bool posted_later = false;
  // Without a poll callback, so the nested iteration checks descriptors, including the loop's own notifier.
  loop->set_fd_handler(other.reader(), {.read = say("other")});
  const auto from_elsewhere = [this](std::function<void()> function) {
    std::thread([&] { loop->schedule_oneshot(std::move(function)); }).join();
  };
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read"),
                                       .poll = [this] { return next_work(); },
                                       .poll_ready = [] {},
                                       .poll_end =
                                           [&] {
                                             if (std::exchange(nested, true)) return;
                                             from_elsewhere([] {});
                                             loop->poll(false);
                                             from_elsewhere([&] { posted_later = true; });
                                           }});
  loop->set_params({.poll_max_ns = 0});
  loop->poll(false);
  while (!nested || !posted_later) loop->poll(true);
  loop->set_fd_handler(other.reader(), {});
}

TEST_F(PolledHandlers, iteration_inside_a_poll_callback_leaves_no_timer_unheard) {
  bool nested = false;
  bool fired = false;
  Timer timer = loop->timer([&] { fired = true; });
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read"),
                                       .poll =
                                           [&] {
                                             if (std::exchange(nested, true)) return false;
                                             timer.arm_after(1ms);
                                             loop->poll(false);
                                             return false;
                                           },
                                       .poll_ready = [] {}});
  while (!fired) loop->poll(true);
}

TEST_F(PolledHandlers, nested_iteration_leaves_the_handler_in_poll_ready_alone) {
  loop->set_fd_handler(pipe.reader(), {.read = take_and_say(pipe, "read"),
                                       .poll = [this] { return next_work(); },
                                       .poll_ready =
                                           [this] {
                                             ran.emplace_back("polled");
                                             loop->schedule_oneshot(say("nested"));
                                             loop->poll(true);
                                             work = 0;
                                           }});
  work = 1;
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre("polled", "nested"));
}

TEST_F(PolledHandlers, poll_without_poll_ready_is_ignored) {
  Pipe half;
  loop->set_fd_handler(half.reader(), {.read = take_and_say(half, "half"), .poll = [] { return true; }});
  half.put();
  loop->poll(true);
  EXPECT_EQ(loop->stats()[LoopStat::polled_handlers], 1);
  loop->set_fd_handler(half.reader(), {.poll = [] { return true; }});
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 1);
}

bool is_readable(const EventNotifier& notifier) {
  pollfd entry{.fd = notifier.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(EventNotifier, is_readable_from_signal_to_clear) {
  EventNotifier notifier = EventNotifier::create().value();
  EXPECT_FALSE(is_readable(notifier));
  EXPECT_FALSE(notifier.test_and_clear());
  notifier.signal();
  EXPECT_TRUE(is_readable(notifier));
  EXPECT_TRUE(notifier.test_and_clear());
  EXPECT_FALSE(is_readable(notifier));
}

TEST(EventNotifier, counts_many_signals_as_one) {
  EventNotifier notifier = EventNotifier::create().value();
  for (int i = 0; i < 3; ++i) notifier.signal();
  EXPECT_TRUE(notifier.test_and_clear());
  EXPECT_FALSE(notifier.test_and_clear());
}

TEST(EventNotifier, moves_its_descriptor) {
  EventNotifier first = EventNotifier::create().value();
  const int fd = first.fd();
  const EventNotifier second = std::move(first);
  EXPECT_EQ(second.fd(), fd);
}

}  // namespace fd_handlers_test
}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/stall_watch.h"

#include <glib.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <latch>
#include <mutex>
#include <ranges>
#include <semaphore>
#include <thread>
#include <vector>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/main_loop_watch.h"
#include "qomio/iothread/internal/stall_log.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace stall_watch_test {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::int64_t kThreshold = 10'000'000;

// check() looks at the running call (0: none) at a time in ms; returns "", "found 10" or "ended 25".
class StalledCallTest : public ::testing::Test {
 protected:
  std::string check(std::uint64_t number, std::int64_t now_ms) {
    const auto kind = number == 0 ? RunningCall::Kind::none : RunningCall::Kind::descriptor;
    const auto found = stalled_.check({.kind = kind, .fd = static_cast<int>(number), .number = number},
                                      now_ms * 1'000'000, kThreshold);
    if (!found) return "";
    last_fd_ = found->call.fd;
    return (found->ended ? "ended " : "found ") + std::to_string(found->ns / 1'000'000);
  }
  int last_fd_ = -1;

 private:
  StalledCall stalled_;
};

TEST_F(StalledCallTest, tells_each_long_call_when_it_is_found_and_when_it_is_over) {
  EXPECT_EQ(check(0, 0), "");
  EXPECT_EQ(check(0, 50), "") << "idle";
  EXPECT_EQ(check(2, 60), "");
  EXPECT_EQ(check(2, 69), "");
  EXPECT_EQ(check(2, 71), "found 11");
  EXPECT_EQ(check(2, 81), "") << "told";
  EXPECT_EQ(check(2, 91), "");
  EXPECT_EQ(check(4, 95), "ended 31") << "another call";
  EXPECT_EQ(last_fd_, 2);
  EXPECT_EQ(check(4, 100), "");
  EXPECT_EQ(check(4, 105), "found 10");
  EXPECT_EQ(check(0, 110), "ended 10");
  EXPECT_EQ(last_fd_, 4);
}

TEST_F(StalledCallTest, does_not_count_a_stop_of_the_whole_process) {
  EXPECT_EQ(check(2, 0), "");
  EXPECT_EQ(check(2, 250), "") << "nobody looked for a long time";
  EXPECT_EQ(check(4, 255), "");
  EXPECT_EQ(check(4, 505), "");
  EXPECT_EQ(check(4, 510), "found 10") << "half the threshold, and 5 ms";
}

TEST(HeldUpTime, counts_sleep_and_work_of_the_thread_but_not_its_wait_for_a_processor) {
  using State = internal::HeldUpTime::ThreadState;
  internal::HeldUpTime held(10);
  held.restart(1000, 100);
  held.observe(1010, State::sleeping, 100);
  EXPECT_EQ(held.total_ns(), 10);
  held.observe(1020, State::runnable, 107);
  EXPECT_EQ(held.total_ns(), 17) << "7 of 10 on a processor";
  held.observe(1030, State::runnable, 107);
  EXPECT_EQ(held.total_ns(), 17) << "others had the processor";
  held.restart(1040, 110);
  EXPECT_EQ(held.total_ns(), 0);
}

TEST(HeldUpTime, does_not_count_a_stop_of_the_whole_process) {
  using State = internal::HeldUpTime::ThreadState;
  internal::HeldUpTime held(10);
  held.restart(0, 0);
  held.observe(250'000, State::sleeping, 0);
  EXPECT_EQ(held.total_ns(), 20) << "two intervals at most";
  held.observe(250'010, State::stopped, 0);
  EXPECT_EQ(held.total_ns(), 20);
}

TEST(StallLog, says_when_a_stall_is_found_and_for_how_long_it_lasted) {
  internal::StallLog log;
  const std::int64_t second = 1'000'000'000;
  internal::StallLog::Stall stall{
      .who = "I/O thread 'io0'", .what = "in one call", .ns = second / 10, .call = "fd 7"};
  EXPECT_EQ(log.began(0, stall), "I/O thread 'io0' has been in one call for 0.100 s: fd 7");
  stall.ns = 3 * second;
  EXPECT_EQ(log.ended(stall), "I/O thread 'io0' was in one call for 3.000 s: fd 7");
  EXPECT_EQ(log.counted(10 * second), std::nullopt);
}

TEST(StallLog, counts_further_stalls_for_a_while) {
  internal::StallLog log;
  internal::StallLog::Stall stall{.who = "the main loop", .what = "held up", .ns = 1'000'000, .call = "fd 7"};
  EXPECT_TRUE(log.began(0, stall));
  EXPECT_TRUE(log.ended(stall));
  for (std::int64_t ms = 1; ms <= 100; ++ms) {
    EXPECT_EQ(log.began(ms * 1'000'000, stall), std::nullopt);
    stall.ns = ms == 50 ? 12'000'000 : 2'000'000;
    EXPECT_EQ(log.ended(stall), std::nullopt);
  }
  EXPECT_EQ(log.counted(internal::StallLog::kPauseNs - 1), std::nullopt);
  EXPECT_EQ(log.counted(internal::StallLog::kPauseNs), "100 more stalls, the longest 0.012 s");
  EXPECT_EQ(log.counted(internal::StallLog::kPauseNs * 3), std::nullopt);
  EXPECT_TRUE(log.began(internal::StallLog::kPauseNs * 3, stall));
}

// An I/O thread that can be blocked inside a call. The tests pass the time to the watch.
class StallWatchTest : public ::testing::Test {
 protected:
  StallWatchTest() { register_iothread_types(); }
  ~StallWatchTest() override {
    go_on();
    objects_cleanup();
  }

  // Called by the callback under test; blocks until go_on().
  void stall() {
    stalled_.count_down();
    released_.wait();
  }
  void await_stall() const { stalled_.wait(); }
  void go_on() {
    if (!released_.try_wait()) released_.count_down();
  }

  // Checks before, at and after the threshold; returns the call that the watch reports at the threshold.
  std::string call_found() {
    await_stall();
    EXPECT_TRUE(watch.check(0, kThreshold).empty());
    EXPECT_TRUE(watch.check(kThreshold - 1, kThreshold).empty());
    const std::vector<IOThreadStall> stalls = watch.check(kThreshold, kThreshold);
    EXPECT_TRUE(watch.check(2 * kThreshold, kThreshold).empty()) << "it is told already";
    if (stalls.size() != 1) return {};
    EXPECT_FALSE(stalls[0].ended);
    EXPECT_EQ(stalls[0].id, "io0");
    EXPECT_EQ(stalls[0].thread_id, io0.thread_id());
    EXPECT_EQ(stalls[0].stalled_ns, std::uint64_t{kThreshold});
    return stalls[0].call;
  }

 public:
  IOThread& io0 = *([] {
    register_iothread_types();
    return object_new_with_props<IOThread>("io0", {}).value();
  }());
  AioContext& loop = io0.context();
  StallWatch watch;

 private:
  std::latch stalled_{1};
  std::latch released_{1};
};

TEST_F(StallWatchTest, names_a_bottom_half) {
  BottomHalf flush = loop.bh_new("flush", [&] { stall(); });
  flush.schedule();
  EXPECT_EQ(call_found(), "bottom half 'flush'");
  go_on();
  flush = {};
}

TEST_F(StallWatchTest, names_the_type_of_a_one_shot) {
  loop.schedule_oneshot([this] { stall(); });
  EXPECT_THAT(call_found(), AllOf(StartsWith("one-shot of "), HasSubstr("names_the_type_of_a_one_shot")));
}

TEST_F(StallWatchTest, names_the_type_of_a_timer) {
  Timer timer = loop.timer([this] { stall(); });
  timer.arm_after(0ns);
  EXPECT_THAT(call_found(), AllOf(StartsWith("timer of "), HasSubstr("names_the_type_of_a_timer")));
  go_on();
}

TEST_F(StallWatchTest, names_a_descriptor) {
  const int fd = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  loop.set_fd_handler(fd, {.read = [this, fd] {
                        eventfd_t value = 0;
                        (void)::eventfd_read(fd, &value);
                        stall();
                      }});
  EXPECT_EQ(call_found(), "fd " + std::to_string(fd));
  go_on();
  loop.run_in([&] { loop.set_fd_handler(fd, {}); });
  ::close(fd);
}

TEST_F(StallWatchTest, names_the_outer_call_again_after_a_nested_iteration) {
  BottomHalf outer;
  loop.run_in([&] {
    outer = loop.bh_new("outer", [&] {
      loop.schedule_oneshot([] {});
      loop.poll(false);
      stall();
    });
  });
  outer.schedule();
  EXPECT_EQ(call_found(), "bottom half 'outer'");
  go_on();
  outer = {};
}

TEST_F(StallWatchTest, tells_the_end_of_a_stall) {
  loop.schedule_oneshot([this] { stall(); });
  const std::string call = call_found();
  go_on();
  while (loop.running_call().kind != RunningCall::Kind::none) std::this_thread::yield();
  const std::vector<IOThreadStall> stalls = watch.check(3 * kThreshold, kThreshold);
  ASSERT_EQ(stalls.size(), 1);
  EXPECT_TRUE(stalls[0].ended);
  EXPECT_EQ(stalls[0].call, call);
  EXPECT_EQ(stalls[0].stalled_ns, 2 * kThreshold);
}

TEST_F(StallWatchTest, is_silent_about_an_idle_loop) {
  loop.run_in([] {});
  while (loop.running_call().kind != RunningCall::Kind::none) std::this_thread::yield();
  for (std::int64_t now = 0; now < 5 * kThreshold; now += kThreshold) {
    EXPECT_TRUE(watch.check(now, kThreshold).empty());
  }
}

TEST_F(StallWatchTest, does_not_take_two_calls_for_one) {
  std::binary_semaphore entered(0);
  std::binary_semaphore leave(0);
  for (int i = 0; i < 100; ++i) {
    loop.schedule_oneshot([&] {
      entered.release();
      leave.acquire();
    });
    entered.acquire();
    EXPECT_TRUE(watch.check(i * kThreshold, kThreshold).empty());
    leave.release();
  }
  loop.run_in([] {});  // until the last call has ended
}

TEST_F(StallWatchTest, is_a_command_that_makes_events) {
  std::string call;
  CommandRegistry commands;
  add_iothread_commands(commands);
  const auto listening = commands.listen([&](std::string_view name, const Json& data) {
    if (name == "IOTHREAD_STALL") call = data["call"];
  });
  const auto set_threshold = [&commands](std::uint64_t ns) {
    const auto set = commands.run("iothread-report-stalls", {{"threshold-ns", ns}});
    return set ? std::string() : set.error().message();
  };
  EXPECT_EQ(set_threshold(999'999),
            "threshold-ns value must be 0 or in range [1000000, 9223372036854775807]");
  // The warning is expected; this handler keeps it off standard error.
  const auto quiet = [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {};
  const GLogFunc before = ::g_log_set_default_handler(quiet, nullptr);
  EXPECT_EQ(set_threshold(1'000'000), "");
  loop.schedule_oneshot([this] { stall(); });
  while (call.empty()) ::g_main_context_iteration(nullptr, TRUE);
  EXPECT_THAT(call, StartsWith("one-shot of "));
  EXPECT_EQ(set_threshold(0), "");
  EXPECT_FALSE(::g_main_context_pending(nullptr));
  ::g_log_set_default_handler(before, nullptr);
}

// A main loop that can be blocked until the watch reports it.
class MainLoopStallTest : public ::testing::Test {
 public:
  MainLoopStallTest() {
    add_iothread_commands(commands);
    EXPECT_TRUE(reporter_.report({.threshold_ns = 1'000'000}).has_value());
  }
  ~MainLoopStallTest() override { ::g_log_set_default_handler(log_before_, nullptr); }

  // Usually long enough for the watch to notice it; on a busy machine, not always.
  static void stall() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

  // Blocks the loop, repeatedly if necessary, until the watch reports a stall in that call.
  template <class Hold>
  void await(const std::string& call, Hold hold) {
    while (stall_.call != call) {
      hold();
      ::g_main_context_iteration(nullptr, TRUE);
    }
    EXPECT_GE(stall_.stalled_ns, 1'000'000);
    const std::lock_guard lock(mutex_);
    ASSERT_THAT(said_, Not(IsEmpty()));
    EXPECT_THAT(said_[0], StartsWith("the main loop has been held up for "));
  }

  MainLoop main_loop = MainLoop::create().value();
  CommandRegistry commands;

 private:
  static void take_warning(const gchar*, GLogLevelFlags, const gchar* message, gpointer data) {
    auto& self = *static_cast<MainLoopStallTest*>(data);
    const std::lock_guard lock(self.mutex_);
    self.said_.emplace_back(message);
  }

  const GLogFunc log_before_ = ::g_log_set_default_handler(take_warning, this);
  std::mutex mutex_;  // guards said_
  std::vector<std::string> said_;
  MainLoopStall stall_;
  StallReporter reporter_{commands};
  const std::shared_ptr<void> listening_ = commands.listen([this](std::string_view name, const Json& data) {
    if (name != "MAIN_LOOP_STALL") return;
    stall_ = {.stalled_ns = data["stalled-ns"], .call = data["call"]};
  });
};

TEST_F(MainLoopStallTest, names_a_call_of_the_main_loop) {
  BottomHalf flush = main_loop.context().bh_new("flush", [] { stall(); });
  await("bottom half 'flush'", [&] { flush.schedule(); });
}

TEST_F(MainLoopStallTest, names_a_command) {
  commands.add(command("slow", "", []() -> Result<void> {
    stall();
    return {};
  }));
  await("command 'slow'", [this] { (void)commands.run("slow", Json::object()); });
}

TEST(StallReporter, ends_its_reports_with_the_main_loop) {
  const auto threads = [] {
    return std::ranges::distance(std::filesystem::directory_iterator("/proc/self/task"));
  };
  CommandRegistry commands;
  add_iothread_commands(commands);
  StallReporter reporter(commands);
  std::jthread([] {}).join();  // ThreadSanitizer starts its own thread together with the first one
  const auto before = threads();
  {
    const MainLoop main_loop = MainLoop::create().value();
    ASSERT_TRUE(reporter.report({.threshold_ns = 1'000'000}).has_value());
  }
  while (threads() > before) std::this_thread::yield();  // until the watching thread has ended
}

TEST_F(MainLoopStallTest, says_so_where_it_does_not_know) {
  await("unknown: a source of GLib", [] {
    ::g_idle_add(
        [](gpointer) -> gboolean {
          stall();
          return G_SOURCE_REMOVE;
        },
        nullptr);
  });
}

}  // namespace stall_watch_test
}  // namespace qomio

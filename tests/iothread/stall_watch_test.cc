// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/stall_watch.h"

#include <glib.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <latch>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/interface.h"

namespace qomio {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::int64_t kThreshold = 1000;

TEST(StalledCall, tells_each_long_call_once) {
  constexpr auto kind = RunningCall::Kind::descriptor;
  StalledCall stalled;
  EXPECT_EQ(stalled.look({.number = 0}, 0, kThreshold), 0);
  EXPECT_EQ(stalled.look({.number = 0}, 5000, kThreshold), 0) << "idle";
  EXPECT_EQ(stalled.look({.kind = kind, .number = 2}, 6000, kThreshold), 0);
  EXPECT_EQ(stalled.look({.kind = kind, .number = 2}, 6999, kThreshold), 0);
  EXPECT_EQ(stalled.look({.kind = kind, .number = 2}, 7100, kThreshold), 1100);
  EXPECT_EQ(stalled.look({.kind = kind, .number = 2}, 9000, kThreshold), 0) << "told";
  EXPECT_EQ(stalled.look({.kind = kind, .number = 4}, 9500, kThreshold), 0) << "another call";
  EXPECT_EQ(stalled.look({.kind = kind, .number = 4}, 10'500, kThreshold), 1000);
}

// An I/O thread that can be held inside a call. The watch is told the time.
class StallWatchTest : public ::testing::Test {
 protected:
  StallWatchTest() { register_iothread_types(); }
  ~StallWatchTest() override {
    go_on();
    objects_cleanup();
  }

  // To be called by what is to stall.
  void stall() {
    stalled_.count_down();
    released_.wait();
  }
  void await_stall() const { stalled_.wait(); }
  void go_on() {
    if (!released_.try_wait()) released_.count_down();
  }

  // Looks at 0, at the threshold, and again.
  std::string call_found() {
    await_stall();
    EXPECT_TRUE(watch.look(0, kThreshold).empty());
    EXPECT_TRUE(watch.look(kThreshold - 1, kThreshold).empty());
    const std::vector<IOThreadStall> stalls = watch.look(kThreshold, kThreshold);
    EXPECT_TRUE(watch.look(2 * kThreshold, kThreshold).empty()) << "each stall is told once";
    if (stalls.size() != 1) return {};
    EXPECT_EQ(stalls[0].id, "io0");
    EXPECT_EQ(stalls[0].thread_id, io0.thread_id());
    EXPECT_EQ(stalls[0].stalled_ns, kThreshold);
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

TEST_F(StallWatchTest, is_silent_about_an_idle_loop) {
  loop.run_in([] {});
  while (loop.running_call().kind != RunningCall::Kind::none) std::this_thread::yield();
  for (std::int64_t now = 0; now < 5 * kThreshold; now += kThreshold) {
    EXPECT_TRUE(watch.look(now, kThreshold).empty());
  }
}

TEST_F(StallWatchTest, does_not_take_two_calls_for_one) {
  for (int i = 0; i < 100; ++i) {
    loop.run_in([&] { EXPECT_TRUE(watch.look(i * kThreshold, kThreshold).empty()); });
  }
}

TEST_F(StallWatchTest, is_a_command_that_makes_events) {
  std::string call;
  const auto listening = Interface::process().listen([&](std::string_view name, const Json& data) {
    if (name == "IOTHREAD_STALL") call = data["call"];
  });
  const auto set_threshold = [](std::uint64_t ns) {
    const auto set = Interface::process().run("iothread-report-stalls", {{"threshold-ns", ns}});
    return set ? std::string() : set.error().message();
  };
  EXPECT_EQ(set_threshold(999'999),
            "threshold-ns value must be 0 or in range [1000000, 9223372036854775807]");
  // The warning is wanted here; it goes to the standard error otherwise.
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

// A main loop that can be held up until the watch has found it.
class MainLoopStallTest : public ::testing::Test {
 public:
  MainLoopStallTest() {
    register_iothread_types();
    EXPECT_TRUE(iothread_report_stalls({.threshold_ns = 1'000'000}).has_value());
  }
  ~MainLoopStallTest() override {
    EXPECT_TRUE(iothread_report_stalls({}).has_value());
    ::g_log_set_default_handler(log_before_, nullptr);
  }

  // On a busy machine the loop may be found late before it calls this, too. As long as the event of that is
  // to come, there is no other warning.
  void stall() {
    for (int warnings = 0; (warnings = warnings_) == events_;) warnings_.wait(warnings);
  }

  // Has the loop held up until it is found in that call.
  template <class Hold>
  void await(const std::string& call, Hold hold) {
    while (stall_.call != call) {
      const int before = events_;
      hold();
      while (events_ == before) ::g_main_context_iteration(nullptr, TRUE);
      EXPECT_GE(stall_.stalled_ns, 1'000'000);
    }
    const std::lock_guard lock(mutex_);
    EXPECT_THAT(said_, Contains(EndsWith(" s: " + call)));
  }

  MainLoop main_loop = MainLoop::create().value();

 private:
  static void take_warning(const gchar*, GLogLevelFlags, const gchar* message, gpointer data) {
    auto& self = *static_cast<MainLoopStallTest*>(data);
    EXPECT_THAT(message, StartsWith("the main loop has been held up for "));
    {
      const std::lock_guard lock(self.mutex_);
      self.said_.emplace_back(message);
    }
    ++self.warnings_;
    self.warnings_.notify_one();
  }

  const GLogFunc log_before_ = ::g_log_set_default_handler(take_warning, this);
  std::atomic<int> warnings_ = 0;  // each made before the event that tells of the same
  std::mutex mutex_;               // the one below
  std::vector<std::string> said_;
  int events_ = 0;
  MainLoopStall stall_;
  const std::shared_ptr<void> listening_ =
      Interface::process().listen([this](std::string_view name, const Json& data) {
        if (name != "MAIN_LOOP_STALL") return;
        stall_ = {.stalled_ns = data["stalled-ns"], .call = data["call"]};
        ++events_;
      });
};

TEST_F(MainLoopStallTest, names_a_call_of_the_main_loop) {
  BottomHalf flush = main_loop.context().bh_new("flush", [this] { stall(); });
  await("bottom half 'flush'", [&] { flush.schedule(); });
}

TEST_F(MainLoopStallTest, names_a_command) {
  Command slow = command("slow", "", +[]() -> Result<void> { return {}; });
  slow.run = [this](const Json&) -> Result<Json> {
    stall();
    return Json::object();
  };
  Interface::process().add(std::move(slow));
  await("command 'slow'", [] { (void)Interface::process().run("slow", Json::object()); });
  Interface::process().remove_command("slow");
}

TEST_F(MainLoopStallTest, says_so_where_it_does_not_know) {
  await("unknown: a source of GLib, or the CPU is with others", [this] {
    ::g_idle_add(
        [](gpointer self) -> gboolean {
          static_cast<MainLoopStallTest*>(self)->stall();
          return G_SOURCE_REMOVE;
        },
        this);
  });
}

}  // namespace
}  // namespace qomio

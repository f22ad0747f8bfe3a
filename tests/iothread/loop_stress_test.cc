// SPDX-License-Identifier: GPL-2.0-or-later
// Loops under stress: reused descriptors, forks, signals, a stopped process, a thousand threads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "qomio/iothread/file_io.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/object/tree.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace loop_stress_test {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

// A loop with each monitor.
class LoopStress : public ::testing::TestWithParam<FdMonitorKind> {
 protected:
  Ref<AioContext> loop = AioContext::create("test", GetParam()).value();
  CurrentAioContext current{*loop};
  std::vector<EventNotifier> others;

  void SetUp() override {
    if (GetParam() == FdMonitorKind::epoll) {
      for (std::size_t i = 0; i < FdMonitor::kEpollThreshold; ++i) {
        others.push_back(EventNotifier::create().value());
        loop->set_fd_handler(others.back().fd(), {.read = [] { FAIL(); }});
      }
    }
    if (loop->stats().fd_monitor != GetParam()) GTEST_SKIP() << "the kernel refuses io_uring";
  }
  void TearDown() override {
    for (const EventNotifier& other : others) loop->set_fd_handler(other.fd(), {});
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, LoopStress,
                         ::testing::Values(FdMonitorKind::poll, FdMonitorKind::epoll,
                                           FdMonitorKind::io_uring),
                         [](const auto& kind) { return std::string(fd_monitor_kind_name(kind.param)); });

TEST_P(LoopStress, numbers_of_closed_descriptors_are_used_again_and_each_gets_its_own_events) {
  std::set<int> numbers;
  for (int i = 0; i < 2000; ++i) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    numbers.insert(ends[0]);
    char got = 0;
    const char sent = static_cast<char>(1 + i % 100);
    loop->set_fd_handler(ends[0], {.read = [&] { EXPECT_EQ(::read(ends[0], &got, 1), 1); }});
    if (i % 3 == 0) loop->poll(false);  // in every third round the monitor already watches it
    ASSERT_EQ(::write(ends[1], &sent, 1), 1);
    if (i % 5 != 0) {
      while (got == 0) loop->poll(true);
      EXPECT_EQ(got, sent);
    }
    loop->set_fd_handler(ends[0], {});  // in every fifth round an event is still pending
    for (const int end : ends) ::close(end);
  }
  EXPECT_FALSE(loop->poll(false));
  EXPECT_LE(numbers.size(), 8) << "numbers do come again";
}

TEST_P(LoopStress, handlers_take_each_other_away_and_come_back) {
  constexpr std::size_t kCount = 20;
  std::mt19937 random(1);
  std::vector<EventNotifier> notifiers;
  for (std::size_t i = 0; i < kCount; ++i) notifiers.push_back(EventNotifier::create().value());
  std::array<int, kCount> watched{};
  int calls = 0;
  std::function<void(std::size_t)> watch = [&](std::size_t i) {
    watched[i] = 1;
    auto alive = std::make_shared<int>(7);
    loop->set_fd_handler(notifiers[i].fd(), {.read = [&, i, alive] {
                           EXPECT_EQ(watched[i], 1) << "one that was taken away is not called";
                           ++calls;
                           notifiers[i].test_and_clear();
                           for (int n = 0; n < 3; ++n) {
                             const std::size_t other = random() % kCount;
                             watched[other] = 0;
                             loop->set_fd_handler(notifiers[other].fd(), {});
                           }
                           if (calls % 7 == 0) loop->poll(false);
                           watch(random() % kCount);
                           EXPECT_EQ(*alive, 7) << "what runs is kept";
                         }});
  };
  for (int round = 0; round < 300; ++round) {
    for (std::size_t i = 0; i < kCount; ++i) {
      watch(i);
      notifiers[i].signal();
    }
    while (loop->poll(false)) {
    }
  }
  EXPECT_GT(calls, 300);
  for (const EventNotifier& notifier : notifiers) loop->set_fd_handler(notifier.fd(), {});
}

TEST_P(LoopStress, child_process_that_ends_leaves_the_loop_as_it_was) {
  EventNotifier notifier = EventNotifier::create().value();
  int calls = 0;
  loop->set_event_notifier(notifier, {.read = [&] { ++calls; }});
  loop->poll(false);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  notifier.signal();
  while (calls == 0) loop->poll(true);
  loop->set_event_notifier(notifier, {});
}

TEST_P(LoopStress, signals_end_no_wait_for_good_and_fire_no_timer_early) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};  // no SA_RESTART, so the signal interrupts system calls
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  std::atomic<bool> stop = false;
  std::thread sender([&stop, sleeper = ::pthread_self()] {
    while (!stop) {
      ::pthread_kill(sleeper, SIGUSR1);
      std::this_thread::yield();
    }
  });
  std::int64_t fired_ns = 0;
  Timer timer = loop->timer([&] { fired_ns = clock_now_ns(); });
  const std::int64_t due = clock_now_ns() + 20'000'000;
  timer.arm_at(due);
  while (fired_ns == 0) loop->poll(true);
  stop = true;
  sender.join();
  EXPECT_GE(fired_ns, due);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// Stops this process with SIGSTOP and continues it.
void stop_and_continue() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string stat = "/proc/" + std::to_string(parent) + "/stat";
    ::kill(parent, SIGSTOP);
    for (std::string text; text.find(") T") == std::string::npos;) {
      std::ifstream file(stat);
      std::getline(file, text);
    }
    ::kill(parent, SIGCONT);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(LoopsOfAProcess, that_is_stopped_and_continued_go_on) {
  RunningLoop sleeping;
  RunningLoop polling({.poll_max_ns = 1'000'000});
  std::atomic<int> fired = 0;
  Timer timer = sleeping->timer([&] { ++fired; });
  timer.arm_after(1ms);
  for (int i = 0; i < 5; ++i) {
    stop_and_continue();
    EXPECT_TRUE(sleeping->run_in([] {}));
    EXPECT_TRUE(polling->run_in([] {}));
  }
  while (fired == 0) std::this_thread::yield();
}

class IOThreadStress : public ::testing::Test {
 protected:
  IOThreadStress() { register_iothread_types(); }
  ~IOThreadStress() override { objects_cleanup(); }
};

TEST_F(IOThreadStress, a_thousand_at_once_all_answer) {
  constexpr int kCount = 1000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 8 * kCount);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 4 * kCount) GTEST_SKIP() << "too few descriptors are allowed";
  std::atomic<int> answers = 0;
  {
    std::vector<Ref<IOThread>> threads;
    for (int i = 0; i < kCount; ++i) {
      auto made = iothread_create("t" + std::to_string(i));
      ASSERT_TRUE(made.has_value()) << made.error().message();
      threads.push_back(std::move(*made));
    }
    for (const auto& thread : threads) thread->context().schedule_oneshot([&] { ++answers; });
    for (const auto& thread : threads) iothread_destroy(*thread);
  }
  EXPECT_EQ(answers, kCount);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(IOThreadStress, stopped_in_the_middle_of_everything_loses_no_call_and_frees_all) {
  for (int round = 0; round < (kSlow ? 10 : 50); ++round) {
    const auto io0 = iothread_create("io0").value();
    AioContext& loop = io0->context();
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    std::atomic<int> posted = 0;
    std::atomic<int> ran = 0;
    std::atomic<bool> stop = false;
    const std::array<std::byte, 1> byte{};
    loop.set_fd_handler(ends[0], {.read = [&] {
                          std::array<char, 64> buffer;
                          while (::read(ends[0], buffer.data(), buffer.size()) > 0) {
                          }
                        }});
    loop.run_in([&] {
      for (int i = 0; i < 20; ++i) {
        (void)loop.thread_pool().submit([] { std::this_thread::yield(); }, [] {});
        loop.file_io().write(ends[1], byte, 0, [](Result<std::size_t>) {});
      }
    });
    std::vector<std::thread> producers;
    for (int p = 0; p < 2; ++p) {
      producers.emplace_back([&] {
        while (!stop) {
          loop.schedule_oneshot([&] { ++ran; });
          ++posted;
          (void)!::write(ends[1], byte.data(), 1);
          std::this_thread::yield();
        }
      });
    }
    while (ran < 10) std::this_thread::yield();
    stop = true;
    for (std::thread& producer : producers) producer.join();
    EXPECT_TRUE(io0->stop().has_value());
    EXPECT_EQ(ran, posted) << "what was scheduled before the stop is run";
    iothread_destroy(*io0);
    for (const int end : ends) ::close(end);
  }
}

}  // namespace loop_stress_test
}  // namespace qomio

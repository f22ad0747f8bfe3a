// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/coroutine_io.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace coroutine_io_test {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class CoroutineIo : public InLoop {
 protected:
  std::vector<std::string> ran;
  Cancellation cancellation;

  // Iterates the loop until a coroutine has added to `ran`.
  void wait() {
    while (ran.empty()) loop->poll(true);
  }
};

Task<> use_file(int fd, std::vector<std::string>& ran) {
  const std::string text = "hello";
  std::array<std::byte, 8> buffer{};
  const std::array<iovec, 1> part{iovec{.iov_base = buffer.data(), .iov_len = buffer.size()}};
  const auto written = co_await co_write(fd, std::as_bytes(std::span(text)), 0);
  EXPECT_EQ(written.value(), 5);
  EXPECT_EQ((co_await co_fsync(fd)).value(), 0);
  EXPECT_EQ((co_await co_read(fd, buffer, 1)).value(), 4);
  EXPECT_EQ((co_await co_readv(fd, part, 0)).value(), 5);
  EXPECT_EQ((co_await co_writev(fd, part, 2)).value(), 8);
  const auto failed = co_await co_read(-1, buffer, 0);
  EXPECT_FALSE(co_await co_discard(-1, 0, 1));
  ran.push_back(failed.error().message());
}

TEST_F(CoroutineIo, reads_and_writes_files) {
  std::FILE* const file = std::tmpfile();
  co_schedule(*loop, use_file(::fileno(file), ran));
  wait();
  EXPECT_THAT(ran, ElementsAre("Failed to read: Bad file descriptor"));
  std::fclose(file);
}

Task<> compute(std::vector<std::string>& ran) {
  const auto home = std::this_thread::get_id();
  std::thread::id worker;
  const Result<std::unique_ptr<int>> value = co_await in_thread_pool([&worker] {
    worker = std::this_thread::get_id();
    return std::make_unique<int>(42);
  });
  EXPECT_EQ(std::this_thread::get_id(), home);
  EXPECT_NE(worker, home);
  const Result<void> nothing = co_await in_thread_pool([] {});
  EXPECT_TRUE(nothing.has_value());
  ran.push_back(std::to_string(**value));
}

TEST_F(CoroutineIo, has_work_done_by_the_thread_pool_and_goes_on_in_its_loop) {
  co_schedule(*loop, compute(ran));
  wait();
  EXPECT_THAT(ran, ElementsAre("42"));
}

Task<> wait_for_work(Cancellation& cancellation, std::vector<std::string>& ran) {
  const Result<int> value = co_await in_thread_pool([] { return 1; }, &cancellation);
  ran.push_back(value ? "done" : value.error().message());
}

TEST_F(CoroutineIo, work_that_has_not_started_can_be_cancelled) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  std::binary_semaphore started(0), go(0);
  const auto blocker = loop->thread_pool().submit(
      [&] {
        started.release();
        go.acquire();
      },
      [] {});
  ASSERT_TRUE(blocker.has_value());
  started.acquire();
  co_schedule(*loop, wait_for_work(cancellation, ran));
  loop->poll(false);
  cancellation.cancel();
  EXPECT_TRUE(ran.empty()) << "not inside cancel()";
  wait();
  EXPECT_THAT(ran, ElementsAre("Cancelled"));
  go.release();
  while (loop->thread_pool().pending() > 0) loop->poll(true);
}

Task<> wait_for_time(Cancellation& cancellation, std::vector<std::string>& ran) {
  ran.emplace_back(co_await sleep_for(1h, &cancellation) ? "slept" : "cancelled");
  ran.emplace_back(co_await sleep_for(1h, &cancellation) ? "slept" : "at once");
}

TEST_F(CoroutineIo, sleep_can_be_cancelled_and_does_not_begin_after_that) {
  co_schedule(*loop, wait_for_time(cancellation, ran));
  loop->poll(false);
  cancellation.cancel();
  EXPECT_TRUE(ran.empty());
  wait();
  EXPECT_THAT(ran, ElementsAre("cancelled", "at once"));
}

Task<> wait_for_descriptor(int fd, Cancellation& cancellation, std::vector<std::string>& ran) {
  ran.emplace_back(co_await readable(fd, &cancellation) ? "readable" : "cancelled");
}

TEST_F(CoroutineIo, wait_for_a_descriptor_can_be_cancelled_and_leaves_no_handler) {
  EventNotifier notifier = EventNotifier::create().value();
  co_schedule(*loop, wait_for_descriptor(notifier.fd(), cancellation, ran));
  loop->poll(false);
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 1);
  cancellation.cancel();
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
  notifier.signal();
  wait();
  EXPECT_THAT(ran, ElementsAre("cancelled"));
}

Task<> tell_readable(int fd, std::vector<std::string>& ran, Cancellation* cancellation = nullptr) {
  ran.emplace_back(co_await readable(fd, cancellation) ? "readable" : "not readable");
}
Task<> tell_writable(int fd, std::vector<std::string>& ran, Cancellation* cancellation = nullptr) {
  ran.emplace_back(co_await writable(fd, cancellation) ? "writable" : "not writable");
}

class CoroutineIoOfSocket : public CoroutineIo {
 protected:
  std::array<int, 2> ends{};

  CoroutineIoOfSocket() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  }
  ~CoroutineIoOfSocket() override {
    for (const int end : ends) ::close(end);
  }
  // Fills the buffer of the socket, so that ends[0] is no longer writable.
  void fill() const {
    const std::array<char, 4096> bytes{};
    while (::write(ends[0], bytes.data(), bytes.size()) > 0) {
    }
  }
  void take_all() const {
    std::array<char, 4096> bytes{};
    while (::read(ends[1], bytes.data(), bytes.size()) > 0) {
    }
  }
  void put() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
};

TEST_F(CoroutineIoOfSocket, both_directions_are_waited_for_at_once) {
  fill();
  co_schedule(*loop, tell_readable(ends[0], ran));
  co_schedule(*loop, tell_writable(ends[0], ran));
  drain();
  EXPECT_THAT(ran, ElementsAre());
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 1);
  take_all();
  wait();
  EXPECT_THAT(ran, ElementsAre("writable"));
  drain();
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 1);
  ran.clear();
  put();
  wait();
  EXPECT_THAT(ran, ElementsAre("readable"));
  EXPECT_EQ(loop->stats()[LoopStat::handlers], 0);
}

TEST_F(CoroutineIoOfSocket, one_direction_is_cancelled_and_the_other_goes_on) {
  fill();
  co_schedule(*loop, tell_readable(ends[0], ran));
  co_schedule(*loop, tell_writable(ends[0], ran, &cancellation));
  drain();
  cancellation.cancel();
  wait();
  EXPECT_THAT(ran, ElementsAre("not writable"));
  put();
  drain();
  EXPECT_THAT(ran, ElementsAre("not writable", "readable"));
}

TEST_F(CoroutineIoOfSocket, a_callback_has_the_other_direction) {
  loop->set_fd_handler(ends[0], {.read = [this] { ran.emplace_back("callback"); }});
  co_schedule(*loop, tell_writable(ends[0], ran));
  drain();
  EXPECT_THAT(ran, ElementsAre("writable"));
  put();
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre("writable", "callback"));
}

TEST_F(CoroutineIoOfSocket, waits_end_when_others_take_the_handlers_away) {
  fill();
  co_schedule(*loop, tell_readable(ends[0], ran));
  co_schedule(*loop, tell_writable(ends[0], ran));
  drain();
  loop->set_fd_handler(ends[0], {});
  EXPECT_THAT(ran, ElementsAre()) << "not inside the call";
  drain();
  EXPECT_THAT(ran, UnorderedElementsAre("not readable", "not writable"));
}

TEST_F(CoroutineIoOfSocket, cancelling_a_wait_that_was_taken_away_leaves_the_handlers_of_others) {
  co_schedule(*loop, tell_readable(ends[0], ran, &cancellation));
  drain();
  loop->schedule_oneshot([this] {
    loop->set_fd_handler(ends[0], {.read = [this] { ran.emplace_back("callback"); }});
    cancellation.cancel();
  });
  drain();
  EXPECT_THAT(ran, ElementsAre("not readable"));
  put();
  loop->poll(true);
  EXPECT_THAT(ran, ElementsAre("not readable", "callback"));
}

TEST_F(CoroutineIoOfSocket, two_that_wait_for_the_same_direction_break_an_invariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        co_schedule(*loop, tell_readable(ends[0], ran));
        co_schedule(*loop, tell_readable(ends[0], ran));
        loop->poll(false);
      },
      "a coroutine waits for descriptor .* to be readable while another one does");
}

Task<> read_and_tell(int fd, Cancellation& cancellation, std::vector<std::string>& ran) {
  std::array<std::byte, 8> buffer{};
  const auto first = co_await co_read(fd, buffer, 0, &cancellation);
  ran.push_back(first ? "read" : first.error().message());
  const auto second = co_await co_fsync(fd, &cancellation);
  ran.push_back(second ? "flushed" : second.error().message());
}

TEST_F(CoroutineIoOfSocket, file_requests_can_be_cancelled_and_do_not_begin_after_that) {
  if (!loop->file_io().uses_ring()) GTEST_SKIP() << "the thread pool takes files only";
  ASSERT_EQ(::fcntl(ends[0], F_SETFL, 0), 0);
  co_schedule(*loop, read_and_tell(ends[0], cancellation, ran));
  drain();
  EXPECT_THAT(ran, ElementsAre());
  cancellation.cancel();
  EXPECT_THAT(ran, ElementsAre()) << "not inside cancel()";
  wait();
  EXPECT_THAT(ran, ElementsAre("Cancelled", "Cancelled"));
}

TEST_F(CoroutineIo, what_has_come_before_the_cancellation_has_come) {
  EventNotifier notifier = EventNotifier::create().value();
  notifier.signal();
  co_schedule(*loop, wait_for_descriptor(notifier.fd(), cancellation, ran));
  wait();
  cancellation.cancel();
  drain();
  EXPECT_THAT(ran, ElementsAre("readable"));
}

Task<> hold(int fd, std::shared_ptr<int>) { co_await readable(fd); }
Task<> hold_work(std::binary_semaphore& started, std::shared_ptr<int> owned) {
  co_await in_thread_pool([&] {
    started.release();
    ++*owned;
  });
}
Task<> hold_file(int fd, std::shared_ptr<std::array<std::byte, 4096>> buffer) {
  co_await co_write(fd, *buffer, 0);
}

Task<> hold_time(std::shared_ptr<int>) { co_await sleep_for(1h); }
Task<> hold_wakeup(Wakeup& wakeup, std::shared_ptr<int>) { co_await woken(wakeup); }

TEST(CoroutinesIo, that_wait_in_a_loop_that_ends_are_freed) {
  const EventNotifier notifier = EventNotifier::create().value();
  std::FILE* const file = std::tmpfile();
  std::binary_semaphore started(0);
  Wakeup wakeup;
  auto owned = std::make_shared<int>();
  auto buffer = std::make_shared<std::array<std::byte, 4096>>();
  const std::weak_ptr<int> watch = owned;
  const std::weak_ptr<std::array<std::byte, 4096>> watch_buffer = buffer;
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    co_schedule(*loop, hold(notifier.fd(), owned));
    co_schedule(*loop, hold_time(owned));
    co_schedule(*loop, hold_wakeup(wakeup, owned));
    co_schedule(*loop, hold_work(started, std::move(owned)));
    co_schedule(*loop, hold_file(::fileno(file), std::move(buffer)));
    loop->schedule_oneshot([] {});
    loop->poll(false);
    EXPECT_FALSE(watch.expired());
    started.acquire();
  }
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(watch_buffer.expired());
  std::fclose(file);
}

}  // namespace coroutine_io_test
}  // namespace qomio

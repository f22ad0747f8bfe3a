// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/coroutine_io.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace {

using ::testing::ElementsAre;

class CoroutineIo : public InLoop {
 protected:
  std::vector<std::string> ran;
  Cancellation cancellation;

  // Iterates until a coroutine has said something.
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
  loop->set_thread_pool_params(0, 1);
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
  EXPECT_EQ(loop->stats().handlers, 1);
  cancellation.cancel();
  EXPECT_EQ(loop->stats().handlers, 0);
  notifier.signal();
  wait();
  EXPECT_THAT(ran, ElementsAre("cancelled"));
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

TEST(CoroutinesIo, that_wait_in_a_loop_that_ends_are_freed) {
  const EventNotifier notifier = EventNotifier::create().value();
  std::FILE* const file = std::tmpfile();
  std::binary_semaphore started(0);
  auto owned = std::make_shared<int>();
  auto buffer = std::make_shared<std::array<std::byte, 4096>>();
  const std::weak_ptr<int> watch = owned;
  const std::weak_ptr<std::array<std::byte, 4096>> watch_buffer = buffer;
  {
    const Ref<AioContext> loop = make_loop();
    const CurrentAioContext current(*loop);
    co_schedule(*loop, hold(notifier.fd(), owned));
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

}  // namespace
}  // namespace qomio

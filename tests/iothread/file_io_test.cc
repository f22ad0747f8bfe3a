// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/file_io.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <cstring>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "qomio/iothread/thread_pool.h"
#include "qomio/tests/iothread/running_loop.h"
#include "qomio/tests/iothread/uring_refusal.h"

namespace qomio {
namespace file_io_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Way { pool, ring, ring_monitor };

// A temporary file. The tests run with each way in which FileIo reads and writes.
class FileIoTest : public ::testing::TestWithParam<Way> {
 protected:
  std::FILE* file = std::tmpfile();
  int fd = ::fileno(file);
  Ref<AioContext> loop;
  std::optional<CurrentAioContext> current;
  std::optional<Result<std::size_t>> result;

  void SetUp() override {
    if (GetParam() == Way::pool) uring_refusal.init = ENOSYS;
    const FdMonitorKind kind =
        GetParam() == Way::ring_monitor ? FdMonitorKind::io_uring : FdMonitorKind::poll;
    loop = AioContext::create("test", kind).value();
    current.emplace(*loop);
    if (GetParam() == Way::ring_monitor && loop->stats().fd_monitor != kind) {
      GTEST_SKIP() << "the kernel refuses io_uring";
    }
  }
  void TearDown() override {
    uring_refusal = {};
    std::fclose(file);
  }
  FileIo& io() { return loop->file_io(); }
  FileIo::Done keep() {
    return [this](Result<std::size_t> got) { result = std::move(got); };
  }
  // Waits for the last request and returns its result.
  Result<std::size_t> wait() {
    while (!result) loop->poll(true);
    Result<std::size_t> got = std::move(*result);
    result.reset();
    return got;
  }
  std::size_t write(std::string_view text, std::uint64_t offset) {
    io().write(fd, std::as_bytes(std::span(text)), offset, keep());
    return wait().value();
  }
  std::string read(std::size_t size, std::uint64_t offset) {
    std::string text(size, '?');
    io().read(fd, std::as_writable_bytes(std::span(text)), offset, keep());
    text.resize(wait().value());
    return text;
  }
};

std::string name_of(const ::testing::TestParamInfo<Way>& way) {
  constexpr std::array kNames = {"thread_pool", "io_uring", "io_uring_monitor"};
  return kNames.at(static_cast<std::size_t>(way.param));
}

INSTANTIATE_TEST_SUITE_P(Ways, FileIoTest, ::testing::Values(Way::pool, Way::ring, Way::ring_monitor),
                         name_of);

TEST_P(FileIoTest, reads_what_was_written_where_it_was_written) {
  EXPECT_EQ(write("hello", 3), 5);
  EXPECT_EQ(read(5, 3), "hello");
  EXPECT_EQ(read(2, 4), "el");
  EXPECT_EQ(read(4, 0), std::string("\0\0\0h", 4));
  const bool known = GetParam() != Way::ring;  // the kernel may refuse Way::ring
  EXPECT_TRUE(!known || (loop->stats()[LoopStat::pool_threads] > 0) == (GetParam() == Way::pool));
}

TEST_P(FileIoTest, reads_less_at_the_end_of_the_file_and_nothing_after_it) {
  write("hello", 0);
  EXPECT_EQ(read(100, 2), "llo");
  EXPECT_EQ(read(100, 5), "");
  EXPECT_EQ(read(100, 1'000'000), "");
  EXPECT_EQ(read(0, 0), "");
}

TEST_P(FileIoTest, completes_in_the_loop_and_never_inside_the_call) {
  std::array<std::byte, 1> buffer{};
  std::optional<std::thread::id> place;
  io().read(fd, buffer, 0, [&](Result<std::size_t>) { place = std::this_thread::get_id(); });
  EXPECT_FALSE(place.has_value());
  EXPECT_EQ(io().pending(), 1);
  while (!place) loop->poll(true);
  EXPECT_EQ(place, std::this_thread::get_id());
  EXPECT_EQ(io().pending(), 0);
}

TEST_P(FileIoTest, gathers_and_scatters_more_buffers_than_the_kernel_takes_at_a_time) {
  constexpr std::size_t kCount = IOV_MAX + 10;
  std::vector<std::array<char, 3>> texts(kCount);
  std::vector<iovec> parts;
  for (std::size_t i = 0; i < kCount; ++i) {
    texts[i].fill(static_cast<char>('a' + i % 26));
    parts.push_back({.iov_base = texts[i].data(), .iov_len = i % 4});  // every fourth is empty
  }
  std::size_t total = 0;
  for (const iovec& part : parts) total += part.iov_len;
  io().writev(fd, parts, 0, keep());
  EXPECT_EQ(wait().value(), total);
  const auto written = texts;
  for (auto& text : texts) text.fill('?');
  io().readv(fd, parts, 0, keep());
  EXPECT_EQ(wait().value(), total);
  for (std::size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(std::memcmp(texts[i].data(), written[i].data(), parts[i].iov_len), 0);
  }
}

TEST_P(FileIoTest, flushes) {
  write("hello", 0);
  io().fsync(fd, keep());
  EXPECT_EQ(wait().value(), 0);
}

TEST_P(FileIoTest, discards_a_part_and_keeps_the_size) {
  write("hello", 0);
  io().discard(fd, 1, 3, keep());
  const Result<std::size_t> discarded = wait();
  if (!discarded) {
    EXPECT_THAT(discarded.error().message(), HasSubstr("Failed to discard: Operation not supported"));
    GTEST_SKIP() << "the file system has no holes";
  }
  EXPECT_EQ(read(10, 0), std::string("h\0\0\0o", 5));
}

TEST_P(FileIoTest, errors_name_the_operation_and_the_reason) {
  std::array<std::byte, 1> buffer{};
  io().read(-1, buffer, 0, keep());
  EXPECT_EQ(wait().error().message(), "Failed to read: Bad file descriptor");
  io().write(-1, buffer, 0, keep());
  EXPECT_EQ(wait().error().message(), "Failed to write: Bad file descriptor");
  io().fsync(-1, keep());
  EXPECT_EQ(wait().error().message(), "Failed to synchronize: Bad file descriptor");
  io().discard(-1, 0, 1, keep());
  EXPECT_EQ(wait().error().message(), "Failed to discard: Bad file descriptor");
  io().read(fd, buffer, UINT64_MAX, keep());
  EXPECT_EQ(wait().error().message(), "Failed to read: Invalid argument");
}

TEST_P(FileIoTest, carries_out_more_requests_than_a_batch_or_the_ring_holds) {
  for (const std::int64_t batch : {1, 0, 1'000'000}) {
    loop->set_params({.poll_max_ns = 0, .aio_max_batch = batch});
    constexpr std::size_t kCount = 1000;
    std::vector<std::uint32_t> numbers(kCount);
    std::size_t done = 0;
    const auto count = [&](Result<std::size_t> size) {
      done += size.value() == sizeof(std::uint32_t) ? 1 : 0;
    };
    for (std::uint32_t i = 0; i < kCount; ++i) {
      numbers[i] = i;
      io().write(fd, std::as_bytes(std::span(&numbers[i], 1)), i * sizeof i, count);
    }
    while (io().pending() > 0) loop->poll(true);
    EXPECT_EQ(done, kCount);
    std::vector<std::uint32_t> back(kCount);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      io().read(fd, std::as_writable_bytes(std::span(&back[i], 1)), i * sizeof i, count);
    }
    while (io().pending() > 0) loop->poll(true);
    EXPECT_EQ(back, numbers);
  }
}

class FileIoOfRing : public FileIoTest {};

INSTANTIATE_TEST_SUITE_P(Ways, FileIoOfRing, ::testing::Values(Way::ring, Way::ring_monitor), name_of);

// This happens if a system call filter is installed after the loop has started.
TEST_P(FileIoOfRing, goes_over_to_the_thread_pool_when_the_kernel_refuses_submissions) {
  if (!io().uses_ring()) GTEST_SKIP() << "the kernel refuses io_uring";
  EXPECT_EQ(write("hello", 0), 5);
  uring_refusal.submit = EPERM;
  uring_refusal.wait = EPERM;
  constexpr std::size_t kCount = 300;
  std::size_t done = 0;
  std::array<std::array<std::byte, 5>, kCount> buffers{};
  for (auto& buffer : buffers) {
    io().read(fd, buffer, 0,
              [&](Result<std::size_t> size) { done += size.value() == 5 && buffer[4] == std::byte{'o'}; });
  }
  while (io().pending() > 0) loop->poll(true);
  EXPECT_EQ(done, kCount);
  EXPECT_FALSE(io().uses_ring());
  EXPECT_EQ(read(5, 0), "hello");
}

TEST(FileIoBatch, is_as_long_as_aio_max_batch_says_and_the_ring_allows) {
  const Ref<AioContext> loop = make_loop();
  const CurrentAioContext current(*loop);
  if (!loop->file_io().uses_ring()) GTEST_SKIP() << "the kernel refuses io_uring";
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  std::array<std::byte, 1> buffer{};
  const auto batches_of = [&](int requests) {
    records_uring_submissions = true;
    for (int i = 0; i < requests; ++i) loop->file_io().read(::fileno(file), buffer, 0, [](const auto&) {});
    loop->poll(false);
    records_uring_submissions = false;
    const std::vector<unsigned> batches = std::exchange(uring_submissions, {});
    while (loop->file_io().pending() > 0) loop->poll(true);
    return batches;
  };
  EXPECT_THAT(batches_of(70), ElementsAre(32, 32, 6));
  loop->set_params({.poll_max_ns = 0, .aio_max_batch = 4});
  EXPECT_THAT(batches_of(10), ElementsAre(4, 4, 2));
  loop->set_params({.poll_max_ns = 0, .aio_max_batch = std::int64_t{1} << 62});
  EXPECT_EQ(loop->stats().effective.aio_max_batch, 128);
  EXPECT_THAT(batches_of(300), ElementsAre(128, 128, 44));
  std::fclose(file);
}

// A read of 8 bytes from an empty pipe. io_uring waits until 8 bytes are written; the thread pool fails.
class FileIoOfPipe : public FileIoTest {
 protected:
  std::array<int, 2> ends{};
  std::array<std::byte, 8> buffer{};

  void SetUp() override {
    FileIoTest::SetUp();
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    if (!IsSkipped() && loop && !io().uses_ring()) GTEST_SKIP() << "the kernel refuses io_uring";
  }
  void TearDown() override {
    for (const int end : ends) ::close(end);
    FileIoTest::TearDown();
  }
  FileIo::RequestId read_pipe() { return io().read(ends[0], buffer, 0, keep()); }
  void write_pipe(std::string_view text) const {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void submit() {
    for (int i = 0; i < 3; ++i) loop->poll(false);
    EXPECT_FALSE(result.has_value());
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, FileIoOfPipe, ::testing::Values(Way::ring, Way::ring_monitor), name_of);

TEST_P(FileIoOfPipe, can_be_cancelled_while_it_waits) {
  const FileIo::RequestId request = read_pipe();
  submit();
  io().cancel(request);
  EXPECT_FALSE(result.has_value()) << "not inside cancel()";
  EXPECT_EQ(wait().error().message(), "Cancelled");
  EXPECT_EQ(io().pending(), 0);
  write_pipe("x");
  io().cancel(request);
  for (int i = 0; i < 3; ++i) loop->poll(false);
  EXPECT_EQ(buffer[0], std::byte{}) << "nobody reads any more";
}

TEST_P(FileIoOfPipe, can_be_cancelled_before_it_is_submitted) {
  io().cancel(read_pipe());
  EXPECT_EQ(wait().error().message(), "Cancelled");
}

TEST_P(FileIoOfPipe, can_be_cancelled_after_a_part) {
  const FileIo::RequestId request = read_pipe();
  submit();
  write_pipe("abc");
  while (buffer[0] == std::byte{}) loop->poll(false);
  submit();
  io().cancel(request);
  EXPECT_EQ(wait().error().message(), "Cancelled");
}

TEST_P(FileIoOfPipe, leaves_others_alone_when_one_is_cancelled) {
  const FileIo::RequestId request = read_pipe();
  std::optional<Result<std::size_t>> other;
  std::array<std::byte, 1> byte{};
  io().read(ends[0], byte, 0, [&](Result<std::size_t> got) { other = std::move(got); });
  submit();
  io().cancel(request);
  EXPECT_FALSE(wait().has_value());
  write_pipe("x");
  while (!other) loop->poll(true);
  EXPECT_EQ(other->value(), 1);
}

TEST_P(FileIoOfPipe, that_was_completed_before_the_cancellation_is_done) {
  const FileIo::RequestId request = read_pipe();
  submit();
  write_pipe("12345678");
  io().cancel(request);
  EXPECT_EQ(wait().value(), 8);
}

TEST_P(FileIoOfPipe, does_not_hold_up_a_loop_that_ends) {
  auto owned = std::make_shared<int>();
  const std::weak_ptr<int> watch = owned;
  for (int i = 0; i < 300; ++i) {
    io().read(ends[0], buffer, 0, [kept = owned](Result<std::size_t>) { FAIL(); });
  }
  owned.reset();
  submit();
  current.reset();
  loop = nullptr;
  EXPECT_TRUE(watch.expired());
}

TEST_P(FileIoOfPipe, is_cancelled_although_the_ring_has_no_room_at_that_moment) {
  const FileIo::RequestId request = read_pipe();
  submit();
  uring_refusal.submit = EBUSY;
  std::vector<std::optional<Result<std::size_t>>> others(128);
  std::vector<FileIo::RequestId> ids;
  for (auto& other : others) {
    ids.push_back(
        io().read(ends[0], buffer, 0, [&other](Result<std::size_t> got) { other = std::move(got); }));
  }
  io().cancel(request);
  uring_refusal.submit = 0;
  EXPECT_EQ(wait().error().message(), "Cancelled");
  for (const FileIo::RequestId id : ids) io().cancel(id);
  while (io().pending() > 0) loop->poll(true);
}

TEST_P(FileIoOfPipe, goes_on_when_the_loop_gets_another_home) {
  current.reset();
  std::thread([this] {
    const CurrentAioContext there(*loop);
    read_pipe();
    submit();
  }).join();
  current.emplace(*loop);
  submit();
  write_pipe("12345678");
  EXPECT_EQ(wait().value(), 8);
}

class FileIoOfPool : public FileIoTest {};

INSTANTIATE_TEST_SUITE_P(Ways, FileIoOfPool, ::testing::Values(Way::pool), name_of);

TEST_P(FileIoOfPool, cancels_a_request_that_no_thread_has_begun) {
  loop->set_params({.poll_max_ns = 0, .thread_pool_min = 0, .thread_pool_max = 1});
  std::binary_semaphore go(0);
  ASSERT_TRUE(loop->thread_pool().submit([&] { go.acquire(); }, [] {}).has_value());
  std::array<std::byte, 1> buffer{};
  const FileIo::RequestId request = io().read(fd, buffer, 0, keep());
  io().cancel(request);
  io().cancel(request);
  EXPECT_FALSE(result.has_value()) << "not inside cancel()";
  EXPECT_EQ(wait().error().message(), "Cancelled");
  go.release();
  while (loop->thread_pool().pending() > 0) loop->poll(true);
}

TEST_P(FileIoOfPool, refuses_what_has_no_offsets) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  std::array<std::byte, 1> buffer{};
  io().read(ends[0], buffer, 0, keep());
  EXPECT_EQ(wait().error().message(), "Failed to read: Illegal seek");
  for (const int end : ends) ::close(end);
}

TEST_P(FileIoTest, done_may_make_the_next_request_and_iterate_the_loop) {
  std::vector<int> order;
  std::array<std::byte, 1> buffer{};
  bool nested_done = false;
  io().read(fd, buffer, 0, [&](Result<std::size_t>) {
    io().fsync(fd, [&](Result<std::size_t>) { nested_done = true; });
    while (!nested_done) loop->poll(true);
    order.push_back(1);
  });
  while (order.empty()) loop->poll(true);
  EXPECT_TRUE(nested_done);
}

TEST_P(FileIoTest, is_seen_by_a_loop_that_busy_polls) {
  loop->set_params(
      {.poll_max_ns = 3'600'000'000'000, .poll_grow = INT64_MAX, .poll_policy = PollPolicy::classic});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(write("x", 0), 1);
}

TEST_P(FileIoTest, of_a_loop_that_ends_is_waited_for_and_calls_nobody) {
  auto owned = std::make_shared<std::vector<std::byte>>(1 << 20);
  const std::weak_ptr<std::vector<std::byte>> watch = owned;
  for (int i = 0; i < 50; ++i) {
    io().write(fd, *owned, 0, [owned](Result<std::size_t>) { FAIL(); });
  }
  owned.reset();
  current.reset();
  loop = nullptr;
  EXPECT_TRUE(watch.expired());
}

}  // namespace file_io_test
}  // namespace qomio

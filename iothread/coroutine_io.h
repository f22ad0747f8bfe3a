// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/coroutine.h"
#include "qomio/iothread/file_io.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/qapi/error.h"

// Awaitables for file requests and for work in the thread pool.
//
//     Task<Result<>> copy(int from, int to) {
//       std::array<std::byte, 65536> buffer;
//       for (std::uint64_t offset = 0;;) {
//         const Result<std::size_t> size = co_await co_read(from, buffer, offset);
//         ...
namespace qomio {

// `co_await` returns the Result that FileIo passes to done. Created by co_read() and the other functions
// below.
class FileAwaiter final : public internal::Awaiter {
 public:
  using Start = std::function<FileIo::RequestId(FileIo&, FileIo::Done)>;

  FileAwaiter(Cancellation* cancellation, Start start) : Awaiter(cancellation), start_(std::move(start)) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    if (begin(self)) {
      // A loop that ends waits for its file requests before it destroys the coroutine.
      request_ = start_(loop().file_io(), [this](Result<std::size_t> result) {
        result_ = std::move(result);
        resume();
      });
    }
    own();
  }
  Result<std::size_t> await_resume() {
    if (!result_) return std::unexpected(Error::cancelled());
    return std::move(*result_);
  }

 private:
  // The coroutine continues once its buffers are no longer in use.
  void cancel() override { loop().file_io().cancel(request_); }

  Start start_;
  FileIo::RequestId request_ = 0;
  std::optional<Result<std::size_t>> result_;
};

// Runs in the caller's loop; see FileIo. The caller owns the buffers. Errors: as FileIo; "Cancelled",
// possibly after a part was read or written.
inline FileAwaiter co_read(int fd, std::span<std::byte> buffer, std::uint64_t offset,
                           Cancellation* cancellation = nullptr) {
  return {cancellation,
          [=](FileIo& io, FileIo::Done done) { return io.read(fd, buffer, offset, std::move(done)); }};
}
inline FileAwaiter co_readv(int fd, std::span<const iovec> buffers, std::uint64_t offset,
                            Cancellation* cancellation = nullptr) {
  return {cancellation,
          [=](FileIo& io, FileIo::Done done) { return io.readv(fd, buffers, offset, std::move(done)); }};
}
inline FileAwaiter co_write(int fd, std::span<const std::byte> buffer, std::uint64_t offset,
                            Cancellation* cancellation = nullptr) {
  return {cancellation,
          [=](FileIo& io, FileIo::Done done) { return io.write(fd, buffer, offset, std::move(done)); }};
}
inline FileAwaiter co_writev(int fd, std::span<const iovec> buffers, std::uint64_t offset,
                             Cancellation* cancellation = nullptr) {
  return {cancellation,
          [=](FileIo& io, FileIo::Done done) { return io.writev(fd, buffers, offset, std::move(done)); }};
}
inline FileAwaiter co_fsync(int fd, Cancellation* cancellation = nullptr) {
  return {cancellation, [=](FileIo& io, FileIo::Done done) { return io.fsync(fd, std::move(done)); }};
}
inline FileAwaiter co_discard(int fd, std::uint64_t offset, std::uint64_t length,
                              Cancellation* cancellation = nullptr) {
  return {cancellation,
          [=](FileIo& io, FileIo::Done done) { return io.discard(fd, offset, length, std::move(done)); }};
}

// `co_await in_thread_pool([] { return compress(data); })`: runs the function in the thread pool of the
// caller's loop. The coroutine continues in that loop with a Result of the function's return value. Errors:
// no thread is available; "Cancelled", if it was cancelled before it started.
template <class Work>
class in_thread_pool final : public internal::Awaiter {
 public:
  using Value = std::invoke_result_t<Work&>;

  explicit in_thread_pool(Work work, Cancellation* cancellation = nullptr)
      : Awaiter(cancellation), work_(std::move(work)) {}

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    if (begin(self)) submit();
    own();
  }
  Result<Value> await_resume() {
    if (!result_) return std::unexpected(Error::cancelled());
    return std::move(*result_);
  }

 private:
  // A loop that ends waits for its jobs before it destroys the coroutine.
  void submit() {
    auto job = loop().thread_pool().submit([this] { work(); }, [this] { resume(); });
    if (job) {
      job_ = *job;
      return;
    }
    result_ = failure(job);
    resume_later();
  }
  // Runs in a thread of the pool.
  void work() {
    if constexpr (std::is_void_v<Value>) {
      work_();
      result_.emplace();
    } else {
      result_.emplace(work_());
    }
  }
  void cancel() override {
    if (loop().thread_pool().cancel(job_)) resume_cancelled();
  }

  Work work_;
  ThreadPool::JobId job_ = 0;
  std::optional<Result<Value>> result_;
};

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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
class FileAwaiter final : public internal::CancellableAwaiter {
 public:
  using Start = std::function<FileIo::RequestId(FileIo&, FileIo::Done)>;

  FileAwaiter(Cancellation* cancellation, Start start)
      : CancellableAwaiter(cancellation), start_(std::move(start)) {}
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    begin(self);
    // A loop that ends destroys the Done, and with it the coroutine.
    request_ = start_(AioContext::current()->file_io(),
                      [this, resumption = resumption()](Result<std::size_t> result) {
                        result_ = std::move(result);
                        end();
                        (*resumption)();
                      });
  }
  Result<std::size_t> await_resume() {
    if (!result_) return error("Cancelled");
    return std::move(*result_);
  }

 private:
  // The coroutine continues once its buffers are no longer in use.
  void cancel() override { AioContext::current()->file_io().cancel(request_); }

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
class in_thread_pool final : public internal::CancellableAwaiter {
 public:
  using Value = std::invoke_result_t<Work&>;

  explicit in_thread_pool(Work work, Cancellation* cancellation = nullptr)
      : CancellableAwaiter(cancellation), work_(std::move(work)) {}

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    begin(self);
    const std::shared_ptr<internal::Resumption> resumption = this->resumption();
    auto job = AioContext::current()->thread_pool().submit([this] { work(); },
                                                           [this, resumption] {
                                                             end();
                                                             (*resumption)();
                                                           });
    if (job) {
      job_ = *job;
      return true;
    }
    resumption->drop();
    result_ = failure(job);
    return false;
  }
  Result<Value> await_resume() {
    if (!result_) return error("Cancelled");
    return std::move(*result_);
  }

 private:
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
    const std::shared_ptr<internal::Resumption> resumption = waiting();
    if (!AioContext::current()->thread_pool().cancel(job_)) return;
    resumption->drop();
    go_on_cancelled();
  }

  Work work_;
  ThreadPool::JobId job_ = 0;
  std::optional<Result<Value>> result_;
};

}  // namespace qomio

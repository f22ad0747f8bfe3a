// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/fd_awaiter.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/file_descriptor.h"

namespace qomio::internal {

// Base of the awaitables of sockets. Attempts its system call at once, and again whenever the socket is
// ready. If the socket is ready, that costs one system call and no memory.
class [[nodiscard]] SocketOperation : public FdAwaiter {
 public:
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    if (completes_at_once(self.promise().scope)) return false;
    FdAwaiter::await_suspend(self);
    return true;
  }

 protected:
  SocketOperation(int fd, FdDirection direction, Cancellation* cancellation);
  SocketOperation(SocketOperation&&) = default;

  // recv(), repeated if a signal interrupts it.
  static ssize_t receive_into(int fd, std::span<std::byte> buffer);
  // For proceed(), when a system call has failed with that errno: returns false if the operation has to wait.
  bool failed(int number);
  int error() const { return error_; }
  // Errors: Error::cancelled(), or "<what>: <reason>" if a system call failed.
  Result<void> outcome(const char* what) const;

 private:
  // A peer that always keeps up must not hold the loop up.
  static constexpr int kMostCalls = 16;

  // Makes at most so many system calls; with 0, completes if that needs none. Returns false if it has to
  // wait.
  virtual bool proceed(int most_calls) = 0;
  bool attempt() final { return proceed(kMostCalls); }
  bool completes_at_once(const CancelState* scope);

  int error_ = 0;
};

// Receives or sends bytes. `co_await` returns their number.
class [[nodiscard]] SocketTransfer final : public SocketOperation {
 public:
  enum class Kind { receive, send, send_all };

  // Transfers the first buffer and then the others. Only Kind::receive writes to them.
  SocketTransfer(Kind kind, int fd, iovec first, std::span<const iovec> others, Cancellation* cancellation);
  Result<std::size_t> await_resume() const;

 private:
  bool proceed(int most_calls) override;
  ssize_t transfer();
  bool is_done() const;
  void advance(std::size_t size);

  Kind kind_;
  iovec first_;                    // the buffer that comes next, without what has been transferred
  std::span<const iovec> others_;  // the buffers after it
  std::size_t done_ = 0;
};

// Receives or sends descriptors of a UNIX socket beside bytes. `co_await` returns the number of bytes.
class [[nodiscard]] DescriptorTransfer final : public SocketOperation {
 public:
  DescriptorTransfer(int fd, iovec bytes, std::vector<FileDescriptor>& received, Cancellation* cancellation);
  DescriptorTransfer(int fd, iovec bytes, std::span<const int> sent, Cancellation* cancellation);
  Result<std::size_t> await_resume() const;

 private:
  bool proceed(int most_calls) override;
  bool receive();
  bool send();

  iovec bytes_;
  std::vector<FileDescriptor>* received_ = nullptr;  // null: send
  std::span<const int> sent_;
  std::size_t done_ = 0;
};

// Accepts a connection. `co_await` returns false if cancelled.
class [[nodiscard]] SocketAccept final : public SocketOperation {
 public:
  SocketAccept(int fd, Cancellation* cancellation) : SocketOperation(fd, FdDirection::read, cancellation) {}

  // After the wait: the errno of the failure, 0 if none; and otherwise the connection.
  using SocketOperation::error;
  FileDescriptor take() { return std::move(accepted_); }

 private:
  bool proceed(int most_calls) override;

  FileDescriptor accepted_;
};

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <coroutine>
#include <memory>

#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/awaiter.h"

namespace qomio::internal {

class FdWait;

// Waits until a descriptor is ready; see readable() and writable().
class FdAwaiter final : public Awaiter {
 public:
  FdAwaiter(int fd, FdDirection direction, Cancellation* cancellation)
      : Awaiter(cancellation), fd_(fd), direction_(direction) {}
  FdAwaiter(FdAwaiter&&) = default;
  ~FdAwaiter() override;
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) {
    if (begin(self)) wait();
    own();
  }

 private:
  friend class FdWait;

  void wait();
  void cancel() override;

  int fd_;
  FdDirection direction_;
  std::weak_ptr<FdWait> wait_;
};

}  // namespace qomio::internal

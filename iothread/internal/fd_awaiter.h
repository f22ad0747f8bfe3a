// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <coroutine>
#include <memory>

#include "qomio/iothread/cancellation.h"
#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/awaiter.h"

namespace qomio::internal {

class FdWait;

// Waits until a descriptor is ready; see readable() and writable(). Base of the awaitables that then do
// something with it.
class [[nodiscard]] FdAwaiter : public Awaiter {
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

 protected:
  int fd() const { return fd_; }
  // Called in the loop when the descriptor is ready. If it returns false, the wait goes on.
  virtual bool attempt() { return true; }

 private:
  friend class FdWait;

  void wait();
  void cancel() final;

  int fd_;
  FdDirection direction_;
  std::weak_ptr<FdWait> wait_;
};

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <utility>

namespace qomio {

namespace internal {
class NamedPostNode;
}

// A call that a loop makes when it is asked to, once for any number of requests before the call starts. It
// may be scheduled from any thread, and from inside itself for another run.
//
// Owns the callable. Made by AioContext::bh_new(), and must be destroyed before its loop: a loop that ends
// while a BottomHalf is alive is a broken invariant. Destroying it is allowed from inside itself; from
// another thread it waits for a run in progress, so nothing that the callable uses is needed afterwards.
class BottomHalf {
 public:
  BottomHalf() = default;
  BottomHalf(BottomHalf&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  BottomHalf& operator=(BottomHalf&& other) noexcept {
    BottomHalf old(std::move(*this));
    node_ = std::exchange(other.node_, nullptr);
    return *this;
  }
  ~BottomHalf();

  // Thread-safe. The request is cleared before the call starts, so the call sees everything published before
  // this.
  void schedule();
  // Thread-safe. Runs within 10 ms, or together with anything else that the loop has to do. Does not count as
  // progress of AioContext::poll().
  void schedule_idle();
  // Thread-safe. Prevents a run that has not started.
  void cancel();

  explicit operator bool() const { return node_ != nullptr; }

 private:
  friend class AioContext;
  explicit BottomHalf(internal::NamedPostNode* node) : node_(node) {}

  internal::NamedPostNode* node_ = nullptr;
};

}  // namespace qomio

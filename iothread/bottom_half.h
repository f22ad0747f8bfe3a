// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <utility>

namespace qomio {

namespace internal {
class NamedPostNode;
}

// A call that a loop makes when it is scheduled. Before the call starts, it may be scheduled any number of
// times and still runs once. It may be scheduled from any thread, and from inside itself to run again.
//
// Owns the callable. Created by AioContext::bh_new(). Must be destroyed before its loop: destroying a loop
// that has a live BottomHalf is a broken invariant. A BottomHalf may be destroyed inside its own call.
// Destroying it in another thread waits for a run in progress, so the callable's data may be destroyed
// afterwards.
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

  // Thread-safe. The loop clears the request before it starts the call, so the call sees everything published
  // before schedule().
  void schedule();
  // Thread-safe. The call runs within 10 ms, or earlier if the loop has other work. AioContext::poll() does
  // not count it as progress.
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

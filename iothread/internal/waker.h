// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "qomio/iothread/fd_handlers.h"

namespace qomio::internal {

class Waker;
// The waker of the loop whose home is the calling thread; null if it has none. at_home() reads it on each
// post, so it needs no construction.
extern constinit thread_local const Waker* waker_of_thread;

// How other threads wake a loop that sleeps, and avoid the system call when it does not.
//
// A waker first publishes its work and then reads whether the loop sleeps; the loop first announces its sleep
// and then looks for work (announce_sleep). So at least one of them sees the other, and no wake-up is lost.
// This needs one total order of the four operations, hence seq_cst on each. Fences would do as well, but
// ThreadSanitizer does not support them. tests/model/notify.pml checks the protocol.
class Waker {
 public:
  explicit Waker(EventNotifier notifier) : notifier_(std::move(notifier)) {}
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // --- any thread ---

  // The caller is the loop's home thread.
  bool at_home() const { return waker_of_thread == this; }
  // Ends the current sleep or prevents the next one. The iteration that follows sees everything that the
  // caller published before.
  void notify() {
    notifications_.fetch_add(1, std::memory_order_seq_cst);
    wake();
  }
  // The second step of a waker. The loop must see the first one before it sleeps: a notification, or a node
  // in its post queue.
  void wake() {
    // The first waker of a sleep sends the signal; the others need no system call.
    if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_acq_rel)) {
      signal();
    }
  }

  // --- home thread ---

  // The home thread looks at all its work before it sleeps, so it needs a notification only while it is on
  // its way to sleep.
  void wake_from_home() {
    if (looking_) notify();
  }
  // looking: from computing the timeout to the end of the sleep. Returns the value before.
  bool set_looking(bool looking) { return std::exchange(looking_, looking); }

  // The first step of the sleeper. False if there are notifications: then it must not sleep.
  bool announce_sleep() {
    stamp_ns_.store(0, std::memory_order_relaxed);
    sleeping_.store(true, std::memory_order_seq_cst);
    return !notified();
  }
  void withdraw_sleep() { sleeping_.store(false, std::memory_order_release); }
  bool notified() const { return notifications_.load(std::memory_order_seq_cst) != 0; }

  // When a waker made its system call in this sleep; 0 if none did.
  std::int64_t stamp_ns() const { return stamp_ns_.load(std::memory_order_acquire); }

  struct Accepted {
    std::uint32_t count;   // notifications and posts by other threads since the last call
    std::uint32_t elided;  // how many of them needed no system call
  };
  // Clears the notifications, before the loop looks for work. scheduled: posts taken by the caller.
  Accepted accept(std::uint32_t scheduled) {
    std::uint32_t count = scheduled;
    // A chain of read-modify-writes: synchronizes with every waker counted here, so their work is seen from
    // now on.
    if (notifications_.load(std::memory_order_relaxed) != 0) {
      count += notifications_.exchange(0, std::memory_order_seq_cst);
    }
    if (count == 0) return {};
    std::uint32_t elided = count;
    if (stamp_ns_.load(std::memory_order_relaxed) != 0) {
      stamp_ns_.store(0, std::memory_order_relaxed);
      --elided;
    }
    return {.count = count, .elided = elided};
  }

  // The descriptor that becomes readable when a waker signals.
  int fd() const { return notifier_.fd(); }
  void clear_signal() { notifier_.test_and_clear(); }

 private:
  void signal();

  // Fields that the poller reads and fields that wakers read are on separate cache lines: each line that
  // moves between processors costs as much as the rest of a post. The home thread's flag has its own line,
  // since it is written in each iteration.
  alignas(64) std::atomic<std::uint32_t> notifications_ = 0;  // not accepted yet
  alignas(64) std::atomic<bool> sleeping_ = false;  // announced, and no waker has ended the sleep yet
  std::atomic<std::int64_t> stamp_ns_ = 0;
  EventNotifier notifier_;
  alignas(64) bool looking_ = false;
};

}  // namespace qomio::internal

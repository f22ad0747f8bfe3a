// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

namespace qomio {

class AioContext;

namespace internal {
class CancelState;
}

// Ends waits of coroutines early: those it is passed to, and those of Cancellations linked to it. A
// cancelled co_await returns false or the error Error::cancelled().
//
//     Cancellation stop;
//     while (co_await readable(fd, &stop)) serve(fd);  // until stop.cancel()
//
// Thread-safe, except that no other thread may be calling it when it is destroyed. Must outlive the waits it
// is passed to, unless they are destroyed with their loop.
class Cancellation {
 public:
  Cancellation();
  // Linked to a parent: cancel() of the parent cancels this one too, now if the parent is cancelled already,
  // and not the other way round. May outlive the parent.
  explicit Cancellation(Cancellation& parent);
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  ~Cancellation();

  // Waits in the caller's loop are cancelled now, and their coroutines continue in the loop's next iteration;
  // waits in other loops are cancelled by their loops soon. A file request or a job that can no longer be
  // cancelled ends first. Waits that begin later are cancelled, too, until reset().
  void cancel();
  bool cancelled() const;
  // Waits that begin from now on are not cancelled any more. Linked Cancellations stay as they are.
  void reset();

  // For awaitables and functions that create a scope of their own.
  internal::CancelState& state() const { return *state_; }
  // Linked to a parent's state; null: to none.
  explicit Cancellation(internal::CancelState* parent);

 private:
  std::shared_ptr<internal::CancelState> state_;
};

namespace internal {

class CancelLink;

// Thread-safe. Whether it is cancelled; false for null.
bool is_cancelled(const CancelState* state);

// A wait that Cancellations can end early.
class CancellableWait {
 public:
  CancellableWait() = default;
  CancellableWait(const CancellableWait&) = delete;
  CancellableWait& operator=(const CancellableWait&) = delete;

  // Called in the loop of the wait. Ends it early; if it is too late for that, the wait ends by itself.
  virtual void cancel() = 0;

 protected:
  ~CancellableWait() = default;
};

// The place of a wait in the list of one Cancellation. Used in the thread of the wait's loop.
class CancelLink {
 public:
  CancelLink() = default;
  CancelLink(const CancelLink&) = delete;
  CancelLink& operator=(const CancelLink&) = delete;
  ~CancelLink() { reset(); }

  // Begins to pass cancel() on to the wait. Returns false, and does not link, if it is cancelled already.
  bool link(CancelState& state, CancellableWait& wait, AioContext& loop);
  // Does nothing if it is not linked.
  void reset() {
    if (state_) unlink();
  }

 private:
  friend class CancelState;

  void unlink();

  std::shared_ptr<CancelState> state_;  // null: not linked
  CancellableWait* wait_ = nullptr;
  AioContext* loop_ = nullptr;  // exists as long as the wait does
  CancelLink* previous_ = this;
  CancelLink* next_ = this;
  bool cancelling_ = false;  // cancel() was called since the wait began
};

}  // namespace internal

}  // namespace qomio

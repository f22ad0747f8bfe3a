// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/coroutine.h"

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "qomio/iothread/internal/loop.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace internal {

namespace {

// Runs a coroutine in its loop's home thread until it suspends or ends, then the coroutines that were entered
// meanwhile.
class CoroutineRun {
 public:
  explicit CoroutineRun(const AioContext& loop)
      : outer_(std::exchange(innermost, this)), nesting_(loop.nesting()) {}
  CoroutineRun(const CoroutineRun&) = delete;
  CoroutineRun& operator=(const CoroutineRun&) = delete;
  ~CoroutineRun() { innermost = outer_; }

  // The run that the caller is part of; null if none. Calls made by a nested iteration are not part of it,
  // since the coroutine that iterates may be waiting for them.
  static CoroutineRun* current(const AioContext& loop) {
    return innermost && innermost->nesting_ == loop.nesting() ? innermost : nullptr;
  }

  void run(std::coroutine_handle<> first) {
    first.resume();
    // By index, since these coroutines may enter more.
    for (std::size_t i = 0; i < entered_.size(); ++i) entered_[i].resume();
  }
  void enter(std::coroutine_handle<> next) { entered_.push_back(next); }
  // See may_complete_at_once().
  bool take_completion() {
    if (completions_left_ == 0) return false;
    --completions_left_;
    return true;
  }

 private:
  static inline constinit thread_local CoroutineRun* innermost = nullptr;

  CoroutineRun* const outer_;
  const int nesting_;
  int completions_left_ = 16;
  std::vector<std::coroutine_handle<>> entered_;
};

}  // namespace

void run_coroutine(std::coroutine_handle<> coroutine) { CoroutineRun(*AioContext::current()).run(coroutine); }

void enter_coroutine(std::coroutine_handle<> coroutine) {
  AioContext& loop = *AioContext::current();
  if (CoroutineRun* const present = CoroutineRun::current(loop)) {
    present->enter(coroutine);
  } else {
    CoroutineRun(loop).run(coroutine);
  }
}

bool may_complete_at_once() {
  CoroutineRun* const present = CoroutineRun::current(*AioContext::current());
  return present && present->take_completion();
}

// The handler of a descriptor for which a coroutine waits; owned by the handler's function. While the
// coroutine runs because fd was ready, the handler is paused, so that the next wait can resume it.
class FdWait : public std::enable_shared_from_this<FdWait> {
 public:
  FdWait(Loop& loop, int fd, FdDirection direction) : loop_(loop), fd_(fd), direction_(direction) {}
  FdWait(const FdWait&) = delete;
  FdWait& operator=(const FdWait&) = delete;
  // If a coroutine still waits, the handler was removed or replaced, and the coroutine continues; unless the
  // loop is ending, which destroys it.
  ~FdWait() {
    if (!awaiter_ || loop_.LoopLifetime::is_closed()) return;
    try {
      awaiter_->resume_cancelled();
    } catch (const std::bad_alloc&) {
      awaiter_->run();  // without memory it continues now
    }
  }

  // Returns the wait whose handler is calling the caller, and resumes the handler, if it is for the same
  // direction of the same descriptor and no coroutine waits yet; null otherwise.
  static std::shared_ptr<FdWait> paused(const AioContext& loop, int fd, FdDirection direction) {
    FdWait* const wait = present;
    if (!wait || &wait->loop_ != &loop || wait->fd_ != fd || wait->direction_ != direction) return nullptr;
    if (wait->awaiter_ || !wait->loop_.resume_fd_handler(fd, direction, wait)) return nullptr;
    return wait->shared_from_this();
  }
  void set(FdAwaiter* awaiter) { awaiter_ = awaiter; }
  // Another coroutine may be waiting by now.
  void forget(const FdAwaiter* awaiter) {
    if (awaiter_ == awaiter) awaiter_ = nullptr;
  }
  void remove_handler() { loop_.remove_fd_handler(fd_, direction_, this); }
  // The handler's function.
  void ready() {
    if (!awaiter_->attempt()) return;
    loop_.pause_fd_handler(fd_, direction_, this);
    FdWait* const outer = std::exchange(present, this);
    std::exchange(awaiter_, nullptr)->resume();
    present = outer;
    if (!awaiter_) remove_handler();
  }

 private:
  static inline constinit thread_local FdWait* present = nullptr;

  Loop& loop_;
  const int fd_;
  const FdDirection direction_;
  FdAwaiter* awaiter_ = nullptr;  // of the waiting coroutine
};

FdAwaiter::~FdAwaiter() {
  if (const std::shared_ptr<FdWait> wait = wait_.lock()) wait->forget(this);
}

void FdAwaiter::wait() {
  Loop& loop = Loop::of(this->loop());
  std::shared_ptr<FdWait> wait = FdWait::paused(loop, fd_, direction_);
  const bool has_handler = wait != nullptr;
  if (!has_handler) wait = std::make_shared<FdWait>(loop, fd_, direction_);
  wait->set(this);
  wait_ = wait;
  if (has_handler) return;
  const bool added = loop.add_fd_handler(fd_, direction_, [wait] { wait->ready(); }, wait.get());
  if (!added) {
    broken_invariant(
        fmt::format("a coroutine waits for descriptor {} to be {} while another one does, or "
                    "while it has a handler",
                    fd_, direction_ == FdDirection::read ? "readable" : "writable"));
  }
}

void FdAwaiter::cancel() {
  const std::shared_ptr<FdWait> wait = wait_.lock();
  if (!wait) return;  // the handler was removed, so it is about to continue
  wait->set(nullptr);
  wait->remove_handler();
  resume_cancelled();
}

}  // namespace internal

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/awaited_calls.h"

#include <atomic>
#include <cstdint>
#include <new>
#include <typeinfo>

#include "qomio/iothread/aio_context.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio::internal {

constinit thread_local AioContext* pool_of_thread = nullptr;

// Lives in the stack frame of the thread that waits for it.
class AwaitedCalls::Call final : public PostNode {
 public:
  Call(AwaitedCalls& calls, FunctionRef<void()> function) : calls_(calls), function_(function) {}

  // link() and unlink() are called with the mutex of the calls locked.
  void link() {
    next = calls_.first_;
    if (next) next->previous_ = this;
    calls_.first_ = this;
  }
  void unlink() {
    (previous_ ? previous_->next : calls_.first_) = next;
    if (next) next->previous_ = previous_;
  }
  bool has_begun() const { return has_begun_; }

  // Returns true if the call ran, false if it will not run.
  bool wait() {
    outcome_.wait(Outcome::queued, std::memory_order_acquire);
    return outcome_.load(std::memory_order_acquire) == Outcome::ran;
  }
  // The waiter's frame may be destroyed as soon as the outcome is stored.
  void report(bool ran) {
    outcome_.store(ran ? Outcome::ran : Outcome::dropped, std::memory_order_release);
    outcome_.notify_all();  // uses the address only
  }

  // Called when the queue no longer uses the node. Frees nothing.
  static void operator delete(Call* call, std::destroying_delete_t) {
    {
      const std::lock_guard lock(call->calls_.mutex_);
      call->unlink();
    }
    call->report(call->has_begun_);
  }

  // The loop to which the waiting thread belongs, as its home thread or as a thread of its pool; null if
  // none.
  const AioContext* const caller = AioContext::current() ? AioContext::current() : pool_of_thread;
  Call* next = nullptr;

 private:
  enum class Outcome : std::uint32_t { queued, ran, dropped };

  void run(RunningCallMark& mark) override {
    enter(mark, typeid(FunctionRef<void()>).name());
    has_begun_ = true;
    function_();
  }

  AwaitedCalls& calls_;
  Call* previous_ = nullptr;
  const FunctionRef<void()> function_;
  bool has_begun_ = false;  // used by the loop's thread only
  std::atomic<Outcome> outcome_ = Outcome::queued;
};

bool AwaitedCalls::run(FunctionRef<void()> function) {
  Call call(*this, function);
  {
    const std::lock_guard lock(mutex_);
    if (refused_ || (refused_caller_ && call.caller == refused_caller_)) return false;
    call.link();
    queue_.schedule(call, false);
  }
  return call.wait();
}

void AwaitedCalls::set_refused(bool refused) {
  const std::lock_guard lock(mutex_);
  refused_ = refused;
}

const AioContext* AwaitedCalls::set_refused_caller(const AioContext* caller) {
  const std::lock_guard lock(mutex_);
  return std::exchange(refused_caller_, caller);
}

void AwaitedCalls::drop(const AioContext* caller) {
  const std::lock_guard lock(mutex_);
  for (Call* call = first_; call;) {
    Call& present = *std::exchange(call, call->next);
    if (caller && present.caller != caller) continue;
    if (present.has_begun()) {
      invariant(!caller,
                "a thread is stopped inside its own call of run_in(), for which it waits; post that with "
                "schedule_oneshot() instead");
      continue;
    }
    present.unlink();
    queue_.take_out(present);
    present.report(false);
  }
}

}  // namespace qomio::internal

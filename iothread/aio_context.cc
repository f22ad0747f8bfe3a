// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/aio_context.h"

#include <urcu.h>

#include <atomic>
#include <memory>
#include <new>
#include <typeinfo>

#include "qomio/iothread/file_io.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

constinit thread_local AioContext* detail::current_loop = nullptr;
constinit thread_local AioContext* detail::pool_of_thread = nullptr;

CurrentAioContext::CurrentAioContext(AioContext& loop) : loop_(loop) {
  invariant(!detail::current_loop, "this thread already has a current AioContext");
  invariant(!loop.is_closed(), "an AioContext that was closed is run again; make another");
  invariant(!loop.has_home_.exchange(true), "this AioContext already is the current one of a thread");
  loop.given_up_.store(false, std::memory_order_relaxed);
  loop.refuse_calls(false);
  ::rcu_register_thread();
  detail::current_loop = &loop;
}

CurrentAioContext::~CurrentAioContext() {
  invariant(detail::current_loop == loop_.get(),
            "a CurrentAioContext is destroyed in another thread than it was made in");
  (void)loop_->end_poll_mode();
  loop_->count_busy(clock_now_ns(), true);
  loop_->refuse_calls(true);
  detail::current_loop = nullptr;
  ::rcu_unregister_thread();
  loop_->has_home_.store(false);
  loop_->given_up_.store(true, std::memory_order_release);
  loop_->wait_kick();
}

Result<Ref<AioContext>> AioContext::create(std::string name, FdMonitorKind monitor_kind) {
  Result<EventNotifier> notifier = EventNotifier::create();
  if (!notifier) return failure(notifier);
  Result<FdMonitor> monitor = FdMonitor::create(monitor_kind);
  if (!monitor) return failure(monitor);
  return Ref(*new AioContext(std::move(name), std::move(*notifier), std::move(*monitor)));
}

AioContext::AioContext(std::string name, EventNotifier notifier, FdMonitor monitor)
    : name_(std::move(name)), notifier_(std::move(notifier)), handlers_(std::move(monitor), notifier_.fd()) {}

AioContext::~AioContext() {
  delete thread_pool_.load(std::memory_order_relaxed);
  file_io_ = nullptr;
  if (alive_bottom_halves_) {
    broken_invariant("AioContext '" + name_ + "' ends while its bottom half '" + alive_bottom_halves_->name_ +
                     "' is alive");
  }
}

void AioContext::close() {
  invariant(in_home_thread() || !has_home_.load(), "AioContext::close() is called in the loop's home thread");
  invariant(depth_ == 0,
            "AioContext::close() is called from a callback of the loop; call it after poll() has returned");
  refuse_calls(true);
  closed_.store(true, std::memory_order_seq_cst);
  if (ThreadPool* const pool = thread_pool_.load(std::memory_order_relaxed)) pool->end();
  file_io_ = nullptr;  // after the jobs, which may be requests of it
  destroy_source();
  // All callables go before the bottom halves are counted, since these may be theirs. What goes may leave
  // more behind.
  do {
    handlers_.clear();
    monotonic_timers_.discard();
    realtime_timers_.discard();
    bottom_halves_.discard();
  } while (compute_timeout() >= 0);
  wait_kick();
}

void AioContext::unref() {
  const std::uint32_t before = refs_.fetch_sub(1, std::memory_order_acq_rel);
  invariant(before > 0, "a reference to a loop was released after the last one had been released");
  if (before > 1) return;
  close();
  let_go();
}

void AioContext::let_go() {
  if (keepers_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// The order of a waker's two steps and of the sleeper's two (announce_sleep) is what keeps a wake-up from
// being lost: each first writes its own variable and then reads the other's, so at least one of them sees the
// other. That needs one total order of the four operations, hence seq_cst on each. Fences would say the same,
// but ThreadSanitizer doesn't know them.
void AioContext::notify() {
  notifications_.fetch_add(1, std::memory_order_seq_cst);
  wake_sleeper();
}

// The second step of a waker. Its first is to be seen by notified(): a notification, or a place in the queue
// of bottom halves, which is enough by itself.
void AioContext::wake_sleeper() {
  // The first waker of a sleep takes the signalling on; the others need no system call.
  if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false, std::memory_order_acq_rel)) {
    stamp_ns_.store(clock_now_ns(), std::memory_order_release);
    notifier_.signal();
  }
}

bool AioContext::announce_sleep() {
  stamp_ns_.store(0, std::memory_order_relaxed);
  sleeping_.store(true, std::memory_order_seq_cst);
  return !notified();
}

bool AioContext::notified() const {
  return notifications_.load(std::memory_order_seq_cst) != 0 || bottom_halves_.urgent();
}

void AioContext::withdraw_sleep() { sleeping_.store(false, std::memory_order_release); }

std::uint32_t AioContext::accept_notifications(std::uint32_t scheduled) {
  std::uint32_t count = scheduled;
  // A chain of read-modify-writes: synchronizes with every waker counted here, so their work is seen from now
  // on.
  if (notifications_.load(std::memory_order_relaxed) != 0) {
    count += notifications_.exchange(0, std::memory_order_seq_cst);
  }
  if (count == 0) return 0;
  std::uint32_t elided = count;
  if (stamp_ns_.load(std::memory_order_relaxed) != 0) {
    stamp_ns_.store(0, std::memory_order_relaxed);
    --elided;
  }
  counters_[LoopStat::wakeups_elided].add(elided);
  return count;
}

void AioContext::notify_accept() {
  debug_invariant(in_home_thread(),
                  "AioContext::notify_accept() is called in another thread than the loop's; "
                  "call notify() instead");
  notifier_.test_and_clear();
  accept_notifications(bottom_halves_.take());
}

const char* AioContext::kept_name(std::string_view name) {
  const std::lock_guard lock(alive_mutex_);
  const auto known = bottom_half_names_.find(name);
  return (known != bottom_half_names_.end() ? known : bottom_half_names_.emplace(name).first)->c_str();
}

BottomHalf AioContext::adopt(detail::NamedBottomHalfNode& node) {
  const std::lock_guard lock(alive_mutex_);
  node.next_alive_ = alive_bottom_halves_;
  if (alive_bottom_halves_) alive_bottom_halves_->previous_alive_ = &node;
  alive_bottom_halves_ = &node;
  return BottomHalf(&node);
}

void AioContext::release(detail::NamedBottomHalfNode& node) {
  {
    const std::lock_guard lock(alive_mutex_);
    (node.previous_alive_ ? node.previous_alive_->next_alive_ : alive_bottom_halves_) = node.next_alive_;
    if (node.next_alive_) node.next_alive_->previous_alive_ = node.previous_alive_;
  }
  detail::BottomHalfQueue::release(node, in_home_thread());
}

void AioContext::schedule(detail::BottomHalfNode& node, bool idle) {
  using Scheduled = detail::BottomHalfQueue::Scheduled;
  const bool home = in_home_thread();
  const Scheduled scheduled = bottom_halves_.schedule(node, idle, home);
  if (scheduled == Scheduled::before) return;
  // Either it is seen here that the loop is closed, or close() sees what was put in.
  if (is_closed()) [[unlikely]]
    return bottom_halves_.discard_pushed();
  if (home) {
    wake_from_home();
  } else if (scheduled == Scheduled::queued) {
    wake_sleeper();
  } else {
    notify();
  }
}

// The call of run_in(), in the frame of the thread that waits for it.
class AioContext::AwaitedCall final : public detail::BottomHalfNode {
 public:
  AwaitedCall(AioContext& loop, FunctionRef<void()> function) : loop_(loop), function_(function) {}

  // With the lock of the loop's calls, as the next two.
  void link() {
    next = loop_.first_call_;
    if (next) next->previous_ = this;
    loop_.first_call_ = this;
  }
  void unlink() {
    (previous_ ? previous_->next : loop_.first_call_) = next;
    if (next) next->previous_ = previous_;
  }
  bool has_begun() const { return has_begun_; }

  // True: it ran. False: it won't.
  bool wait() {
    outcome_.wait(Outcome::queued, std::memory_order_acquire);
    return outcome_.load(std::memory_order_acquire) == Outcome::ran;
  }
  // The waiter's frame may be gone as soon as this has been told.
  void tell(bool ran) {
    outcome_.store(ran ? Outcome::ran : Outcome::dropped, std::memory_order_release);
    outcome_.notify_all();  // uses the address only
  }

  // The queue is done with it. Nothing is freed.
  static void operator delete(AwaitedCall* call, std::destroying_delete_t) {
    {
      const std::lock_guard lock(call->loop_.calls_mutex_);
      call->unlink();
    }
    call->tell(call->has_begun_);
  }

  // Whose thread waits, or a thread of whose pool; null: neither.
  const AioContext* const caller = current() ? current() : detail::pool_of_thread;
  AwaitedCall* next = nullptr;

 private:
  enum class Outcome : std::uint32_t { queued, ran, dropped };

  void run(detail::RunningCallMark& mark) override {
    enter(mark, typeid(FunctionRef<void()>).name());
    has_begun_ = true;
    function_();
  }

  AioContext& loop_;
  AwaitedCall* previous_ = nullptr;
  const FunctionRef<void()> function_;
  bool has_begun_ = false;  // written and read by the loop's thread
  std::atomic<Outcome> outcome_ = Outcome::queued;
};

bool AioContext::run_in(FunctionRef<void()> function) {
  if (in_home_thread()) {
    function();
    return true;
  }
  AwaitedCall call(*this, function);
  {
    const std::lock_guard lock(calls_mutex_);
    if (refuses_calls_ || (refused_caller_ && call.caller == refused_caller_)) return false;
    call.link();
    schedule(call, false);
  }
  return call.wait();
}

// For the home thread, which runs no calls as long as they are refused.
void AioContext::refuse_calls(bool refuse) {
  {
    const std::lock_guard lock(calls_mutex_);
    refuses_calls_ = refuse;
  }
  if (refuse) drop_calls(nullptr);
}

// Ends those calls that haven't begun, of one caller or (null) of all.
void AioContext::drop_calls(const AioContext* of) {
  accept_notifications(bottom_halves_.take());
  const std::lock_guard lock(calls_mutex_);
  for (AwaitedCall* call = first_call_; call;) {
    AwaitedCall& present = *std::exchange(call, call->next);
    if (of && present.caller != of) continue;
    if (present.has_begun()) {
      invariant(!of,
                "a thread is stopped inside its own call of run_in(), for which it waits; post that with "
                "schedule_oneshot() instead");
      continue;
    }
    present.unlink();
    bottom_halves_.take_out(present);
    present.tell(false);
  }
}

AioContext::Joining::Joining(const AioContext& joined) : own_(current()) {
  if (!own_) return;
  {
    const std::lock_guard lock(own_->calls_mutex_);
    outer_ = std::exchange(own_->refused_caller_, &joined);
  }
  own_->drop_calls(&joined);
}

AioContext::Joining::~Joining() {
  if (!own_) return;
  const std::lock_guard lock(own_->calls_mutex_);
  own_->refused_caller_ = outer_;
}

void AioContext::set_fd_handler(int fd, FdHandlers handlers) {
  if (!in_home_thread()) {
    schedule_oneshot([this, fd, handler = detail::FdHandlerSet::prepare(fd, std::move(handlers))]() mutable {
      handlers_.set_prepared(fd, std::move(handler));
    });
    return;
  }
  if (is_closed()) return;
  handlers_.set(fd, std::move(handlers));
  if (depth_ == 0) handlers_.free_removed();
  wake_from_home();
}

void AioContext::set_event_notifier(EventNotifier& notifier, FdHandlers handlers) {
  if (handlers.read) {
    handlers.read = [&notifier, read = std::move(handlers.read)] {
      if (notifier.test_and_clear()) read();
    };
  }
  set_fd_handler(notifier.fd(), std::move(handlers));
}

bool AioContext::add_fd_handler(int fd, FdDirection direction, std::function<void()> function,
                                const void* owner) {
  invariant(in_home_thread(),
            "handlers of one direction are set outside the loop's thread; call that by "
            "AioContext::schedule_oneshot()");
  if (is_closed()) return true;  // frees it
  if (!handlers_.add_direction(fd, direction, std::move(function), owner)) return false;
  if (depth_ == 0) handlers_.free_removed();
  wake_from_home();
  return true;
}

void AioContext::remove_fd_handler(int fd, FdDirection direction, const void* owner) {
  invariant(in_home_thread(),
            "handlers of one direction are set outside the loop's thread; call that by "
            "AioContext::schedule_oneshot()");
  handlers_.remove_direction(fd, direction, owner);
  if (depth_ == 0) handlers_.free_removed();
  wake_from_home();
}

void AioContext::set_params(const LoopParams& params) {
  invariant(params.check().has_value(), "thread-pool-min and thread-pool-max go together");
  params_.set(params);
  notify();
  if (ThreadPool* const pool = thread_pool_.load(std::memory_order_acquire)) pool->params_changed();
}

ThreadPool& AioContext::thread_pool() {
  invariant(in_home_thread(),
            "AioContext::thread_pool() is called outside the loop's thread; call it by "
            "AioContext::schedule_oneshot()");
  ThreadPool* pool = thread_pool_.load(std::memory_order_relaxed);
  if (!pool) {
    pool = new ThreadPool(*this);
    if (is_closed()) pool->end();
    thread_pool_.store(pool, std::memory_order_release);
  }
  return *pool;
}

FileIo& AioContext::file_io() {
  invariant(
      in_home_thread(),
      "AioContext::file_io() is called outside the loop's thread; call it by AioContext::schedule_oneshot()");
  if (!file_io_) file_io_ = std::make_unique<FileIo>(*this);
  return *file_io_;
}

LoopStats AioContext::stats() const {
  LoopStats stats;
  counters_.read_into(stats);
  stats[LoopStat::handlers] = handlers_.size();
  stats[LoopStat::polled_handlers] = handlers_.polled_size();
  if (const ThreadPool* const pool = thread_pool_.load(std::memory_order_acquire)) {
    stats[LoopStat::pool_threads] = pool->threads();
    stats[LoopStat::pool_pending] = pool->pending();
  }
  stats.fd_monitor = handlers_.monitor_kind();
  stats.effective = params().in_force();
  return stats;
}

}  // namespace qomio

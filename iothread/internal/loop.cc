// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/loop.h"

#include <urcu.h>

#include <algorithm>
#include <utility>

#include "qomio/iothread/file_io.h"
#include "qomio/iothread/internal/joining.h"
#include "qomio/iothread/thread_pool.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {

constinit thread_local AioContext* internal::current_loop = nullptr;

namespace {

internal::Loop& engine(AioContext& loop) { return static_cast<internal::Loop&>(loop); }
const internal::Loop& engine(const AioContext& loop) { return static_cast<const internal::Loop&>(loop); }

}  // namespace

namespace internal {

Loop::Loop(std::string name, EventNotifier notifier, FdMonitor monitor)
    : name_(std::move(name)), waker_(std::move(notifier)), handlers_(std::move(monitor), waker_.fd()) {}

Loop::~Loop() {
  delete thread_pool_.load(std::memory_order_relaxed);
  file_io_ = nullptr;
  if (const char* const bottom_half = posts_.name_of_any_live()) {
    broken_invariant("AioContext '" + name_ + "' ends while its bottom half '" + bottom_half + "' is alive");
  }
}

void Loop::enter_thread() {
  invariant(!current_loop, "this thread already has a current AioContext");
  invariant(!LoopLifetime::is_closed(), "an AioContext that was closed is run again; make another");
  invariant(!has_home_.exchange(true), "this AioContext already is the current one of a thread");
  waits_.set_given_up(false);
  refuse_calls(false);
  ::rcu_register_thread();
  current_loop = this;
  waker_of_thread = &waker_;
}

void Loop::leave_thread() {
  invariant(current_loop == this, "a CurrentAioContext is destroyed in another thread than it was made in");
  (void)end_poll_mode();
  count_busy(clock_now_ns(), true);
  refuse_calls(true);
  current_loop = nullptr;
  waker_of_thread = nullptr;
  ::rcu_unregister_thread();
  has_home_.store(false);
  waits_.set_given_up(true);
  waits_.kick();
}

void Loop::end() {
  invariant(
      in_home_thread() || !has_home_.load(),
      "AioContext::close() is called outside the loop's home thread; call it there, by run_in() for example");
  invariant(depth_ == 0,
            "AioContext::close() is called from a callback of the loop; call it after poll() has returned");
  refuse_calls(true);
  set_closed();
  if (ThreadPool* const pool = thread_pool_.load(std::memory_order_relaxed)) pool->end();
  file_io_ = nullptr;  // after the jobs, which may be its requests
  destroy_source();
  // Destroys all callables before ~Loop() checks for live bottom halves, since they may own some. Destroying
  // them may add more.
  do {
    handlers_.clear();
    owned_.destroy_all();
    monotonic_timers_.discard();
    realtime_timers_.discard();
    posts_.discard();
  } while (!owned_.empty() || compute_timeout() >= 0);
  waits_.kick();
}

void Loop::accept_notifications() {
  debug_invariant([&] { return in_home_thread(); },
                  "notifications are accepted in the home thread of the loop");
  waker_.clear_signal();
  accept(posts_.take());
}

void Loop::refuse_calls(bool refuse) {
  calls_.set_refused(refuse);
  if (refuse) drop_calls(nullptr);
}

void Loop::drop_calls(const AioContext* caller) {
  accept(posts_.take());
  calls_.drop(caller);
}

void Loop::handlers_changed() {
  if (depth_ == 0) handlers_.free_removed();
  waker_.wake_from_home();
}

bool Loop::resume_fd_handler(int fd, FdDirection direction, const void* owner) {
  if (!handlers_.resume_direction(fd, direction, owner)) return false;
  waker_.wake_from_home();
  return true;
}

Joining::Joining(const AioContext& joined) : own_(current_loop) {
  if (!own_) return;
  outer_ = Loop::of(*own_).calls_.set_refused_caller(&joined);
  Loop::of(*own_).drop_calls(&joined);
}

Joining::~Joining() {
  if (own_) Loop::of(*own_).calls_.set_refused_caller(outer_);
}

}  // namespace internal

CurrentAioContext::CurrentAioContext(AioContext& loop) : loop_(loop) { engine(loop).enter_thread(); }

CurrentAioContext::~CurrentAioContext() { engine(*loop_).leave_thread(); }

Result<Ref<AioContext>> AioContext::create(std::string name, FdMonitorKind monitor_kind) {
  Result<EventNotifier> notifier = EventNotifier::create();
  if (!notifier) return failure(notifier);
  Result<FdMonitor> monitor = FdMonitor::create(monitor_kind);
  if (!monitor) return failure(monitor);
  return Ref<AioContext>(*new internal::Loop(std::move(name), std::move(*notifier), std::move(*monitor)));
}

void AioContext::ref() {
  invariant(engine(*this).refs_.fetch_add(1, std::memory_order_relaxed) < std::uint32_t{1} << 31,
            "a loop has more references than can be counted");
}

void AioContext::unref() {
  internal::Loop& loop = engine(*this);
  const std::uint32_t before = loop.refs_.fetch_sub(1, std::memory_order_acq_rel);
  invariant(before > 0, "a reference to a loop was released after the last one had been released");
  if (before > 1) return;
  loop.end();
  loop.let_go();
}

void AioContext::close() { engine(*this).end(); }

bool AioContext::is_closed() const { return engine(*this).LoopLifetime::is_closed(); }

const std::string& AioContext::name() const { return engine(*this).name_; }

bool AioContext::poll(bool blocking) { return engine(*this).iterate(blocking); }

int AioContext::nesting() const { return engine(*this).depth_; }

void AioContext::notify() { engine(*this).waker_.notify(); }

internal::PostQueue& AioContext::post_queue() { return engine(*this).posts_; }

const char* AioContext::interned_name(std::string_view name) { return post_queue().interned_name(name); }

BottomHalf AioContext::adopt(internal::NamedPostNode& node) {
  post_queue().add_live(node);
  return BottomHalf(&node);
}

void AioContext::schedule(internal::PostNode& node) { engine(*this).posts_.schedule(node, false); }

Timer AioContext::timer(std::function<void()> callback, ClockType clock) {
  return Timer(engine(*this).timers(clock).make(std::move(callback)));
}

bool AioContext::run_in(FunctionRef<void()> function) {
  if (!in_home_thread()) return engine(*this).calls_.run(function);
  function();
  return true;
}

bool AioContext::wait_while(FunctionRef<bool()> condition) {
  invariant(in_home_thread() || in_main_thread(),
            "AioContext::wait_while() of another loop is called outside the main thread; wait in the main "
            "thread or in that loop");
  AioContext* const own = current();
  invariant(own != nullptr, "AioContext::wait_while() is called in a thread that has no current AioContext");
  return engine(*this).waits_.wait_while(*own, condition);
}

void AioContext::wait_kick() { engine(*this).waits_.kick(); }

void AioContext::free_at_end(LoopOwned& owned) {
  if (is_closed()) return internal::OwnedList::destroy(owned);
  engine(*this).owned_.add(owned);
}

RunningCall AioContext::running_call() const { return engine(*this).running_call_.get(); }

void AioContext::set_fd_handler(int fd, FdHandlers handlers) {
  internal::Loop& loop = engine(*this);
  if (!in_home_thread()) {
    schedule_oneshot(
        [&loop, fd, handler = internal::FdHandlerSet::prepare(fd, std::move(handlers))]() mutable {
          loop.handlers_.set_prepared(fd, std::move(handler));
        });
    return;
  }
  if (is_closed()) return;
  loop.handlers_.set(fd, std::move(handlers));
  loop.handlers_changed();
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
            "AioContext::add_fd_handler() is called outside the loop's thread; call it by "
            "AioContext::schedule_oneshot()");
  if (is_closed()) return true;  // destroys the function
  internal::Loop& loop = engine(*this);
  if (!loop.handlers_.add_direction(fd, direction, std::move(function), owner)) return false;
  loop.handlers_changed();
  return true;
}

void AioContext::remove_fd_handler(int fd, FdDirection direction, const void* owner) {
  invariant(in_home_thread(),
            "AioContext::remove_fd_handler() is called outside the loop's thread; call it by "
            "AioContext::schedule_oneshot()");
  internal::Loop& loop = engine(*this);
  loop.handlers_.remove_direction(fd, direction, owner);
  loop.handlers_changed();
}

void AioContext::set_params(const LoopParams& params) {
  invariant(params.check().has_value(),
            "thread-pool-min must be in range [0, thread-pool-max], thread-pool-max at least 1");
  internal::Loop& loop = engine(*this);
  loop.params_.set(params);
  notify();
  if (ThreadPool* const pool = loop.thread_pool_.load(std::memory_order_acquire)) pool->params_changed();
}

LoopParams AioContext::params() const { return engine(*this).params_.get(); }

ThreadPool& AioContext::thread_pool() {
  invariant(in_home_thread(),
            "AioContext::thread_pool() is called outside the loop's thread; call it by "
            "AioContext::schedule_oneshot()");
  ThreadPool* pool = engine(*this).thread_pool_.load(std::memory_order_relaxed);
  if (!pool) {
    pool = new ThreadPool(*this);
    if (is_closed()) pool->end();
    engine(*this).thread_pool_.store(pool, std::memory_order_release);
  }
  return *pool;
}

FileIo& AioContext::file_io() {
  invariant(
      in_home_thread(),
      "AioContext::file_io() is called outside the loop's thread; call it by AioContext::schedule_oneshot()");
  internal::Loop& loop = engine(*this);
  if (!loop.file_io_) loop.file_io_ = std::make_unique<FileIo>(*this, loop.handlers_.monitor());
  return *loop.file_io_;
}

LoopStats AioContext::stats() const {
  const internal::Loop& loop = engine(*this);
  LoopStats stats;
  loop.counters_.read_into(stats);
  stats[LoopStat::handlers] = loop.handlers_.size();
  stats[LoopStat::polled_handlers] = loop.handlers_.polled_size();
  if (const ThreadPool* const pool = loop.thread_pool_.load(std::memory_order_acquire)) {
    stats[LoopStat::pool_threads] = pool->threads();
    stats[LoopStat::pool_pending] = pool->pending();
  }
  stats.fd_monitor = loop.handlers_.monitor_kind();
  stats.effective = params().in_force();
  return stats;
}

}  // namespace qomio

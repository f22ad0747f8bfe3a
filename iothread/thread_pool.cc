// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <new>
#include <system_error>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/awaited_calls.h"
#include "qomio/iothread/internal/joining.h"
#include "qomio/iothread/internal/start_thread.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

ThreadPool::ThreadPool(AioContext& loop, std::chrono::nanoseconds idle_timeout)
    : loop_(loop),
      idle_timeout_(idle_timeout),
      finish_bh_(loop.bh_new("thread-pool", [this] { finish(); })),
      start_bh_(loop.bh_new("thread-pool-start", [this] { start_threads(); })) {}

ThreadPool::~ThreadPool() { end(); }

void ThreadPool::end() {
  const internal::Joining joining(loop_);
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    threads.swap(threads_);
  }
  work_or_end_.notify_all();
  for (std::thread& thread : threads) thread.join();
  if (last_ended_.joinable()) last_ended_.join();
  // No other thread takes these jobs any more. Destroying them may call this pool again.
  while (!waiting_.empty()) {
    const std::unique_ptr<internal::PoolJob> never_started = std::move(waiting_.front());
    waiting_.pop_front();
  }
  for (internal::PoolJobList* const list : {&worked_, &finishing_}) {
    while (list->pop()) {
    }
  }
  thread_count_.store(0, std::memory_order_relaxed);
  pending_.store(0, std::memory_order_relaxed);
}

Result<ThreadPool::JobId> ThreadPool::add(std::unique_ptr<internal::PoolJob> job) {
  invariant(
      loop_.in_home_thread(),
      "ThreadPool::submit() is called outside the loop's thread; call it by AioContext::schedule_oneshot()");
  if (ending_) return error("The loop '{}' has ended", loop_.name());  // only this thread ends the pool
  const JobId id = next_id_++;
  job->id = id;
  std::unique_ptr<internal::PoolJob> refused;  // destroyed outside the lock: may call this pool again
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
    if (needs_thread()) {
      const auto refuse = [&] {
        refused = std::move(waiting_.back());
        waiting_.pop_back();
      };
      try {
        if (Result<void> started = start_thread(); !started && threads_.empty()) {
          refuse();
          return failure(started);
        }
      } catch (const std::bad_alloc&) {
        if (threads_.empty()) {
          refuse();
          throw;
        }
      }
    }
    pending_.fetch_add(1, std::memory_order_relaxed);
  }
  work_or_end_.notify_one();
  return id;
}

bool ThreadPool::needs_thread() const {
  return waiting_.size() > idle_ &&
         threads_.size() < static_cast<std::size_t>(loop_.params().thread_pool_max);
}

Result<void> ThreadPool::start_thread() {
  if (threads_.size() == threads_.capacity()) threads_.reserve(2 * threads_.size() + 1);
  auto thread = internal::start_thread([this] { run_thread(); });
  if (!thread) return failure(thread);
  threads_.push_back(std::move(*thread));
  ++idle_;
  thread_count_.store(threads_.size(), std::memory_order_relaxed);
  return {};
}

// Starts threads for waiting jobs. A failure is harmless, since the jobs wait for an existing thread.
void ThreadPool::start_threads() {
  const std::lock_guard lock(mutex_);
  try {
    while (needs_thread() && start_thread()) {
    }
  } catch (const std::bad_alloc&) {
    return;
  }
}

bool ThreadPool::surplus() const {
  return threads_.size() > static_cast<std::size_t>(loop_.params().thread_pool_max);
}

void ThreadPool::run_thread() {
  ::pthread_setname_np(::pthread_self(), ("pool " + loop_.name()).substr(0, 15).c_str());
  internal::pool_of_thread = &loop_;
  std::unique_lock lock(mutex_);
  for (;;) {
    bool too_many = false;  // read once, since another thread may change thread-pool-max meanwhile
    const bool called = work_or_end_.wait_for(lock, idle_timeout_, [&] {
      too_many = surplus();
      return ending_ || too_many || !waiting_.empty();
    });
    if (!called && threads_.size() <= static_cast<std::size_t>(loop_.params().thread_pool_min)) continue;
    --idle_;
    if (ending_) return;
    if (!called || too_many) return end_thread(std::move(lock));
    std::unique_ptr<internal::PoolJob> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    try {
      job->work();
    } catch (...) {
      exception_left("job of a thread pool");
    }
    lock.lock();
    // finish() takes all of them, so one call serves several jobs.
    const bool first = worked_.empty();
    worked_.push(std::move(job));
    if (first) finish_bh_.schedule();
    ++idle_;
  }
}

// Each thread that ends by itself joins the previous one, so that at most one is left to be joined.
void ThreadPool::end_thread(std::unique_lock<std::mutex> lock) {
  const auto self = std::ranges::find(threads_, std::this_thread::get_id(), &std::thread::get_id);
  std::thread before = std::exchange(last_ended_, std::move(*self));
  threads_.erase(self);
  thread_count_.store(threads_.size(), std::memory_order_relaxed);
  lock.unlock();
  if (before.joinable()) before.join();
}

bool ThreadPool::cancel(JobId job) {
  invariant(
      loop_.in_home_thread(),
      "ThreadPool::cancel() is called outside the loop's thread; call it by AioContext::schedule_oneshot()");
  std::unique_ptr<internal::PoolJob> cancelled;  // destroyed outside the lock: may call this pool again
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::lower_bound(waiting_, job, {}, &internal::PoolJob::id);
  if (found == waiting_.end() || (*found)->id != job) return false;
  cancelled = std::move(*found);
  waiting_.erase(found);
  pending_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void ThreadPool::params_changed() {
  {
    // With the lock, so that a thread that is about to wait either sees the change or is notified.
    const std::lock_guard lock(mutex_);
    work_or_end_.notify_all();
    if (!needs_thread()) return;
  }
  // The loop's thread starts them, since they inherit its CPU affinity.
  loop_.in_home_thread() ? start_threads() : start_bh_.schedule();
}

void ThreadPool::finish() {
  {
    const std::lock_guard lock(mutex_);
    while (auto job = worked_.pop()) finishing_.push(std::move(job));
  }
  while (const auto job = finishing_.pop()) {
    // A nested iteration inside done continues with the other jobs.
    if (!finishing_.empty()) finish_bh_.schedule();
    pending_.fetch_sub(1, std::memory_order_relaxed);
    job->done();
  }
}

}  // namespace qomio

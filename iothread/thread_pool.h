// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "qomio/iothread/bottom_half.h"
#include "qomio/qapi/error.h"

namespace qomio {

class AioContext;

namespace internal {

// One job: what a worker runs, and what the loop calls then.
class PoolJob {
 public:
  PoolJob() = default;
  PoolJob(const PoolJob&) = delete;
  PoolJob& operator=(const PoolJob&) = delete;
  virtual ~PoolJob() = default;

  virtual void work() = 0;
  virtual void done() = 0;

  std::uint64_t id = 0;
  PoolJob* next = nullptr;  // of a PoolJobList
};

// Jobs one after the other. Owns them; needs no memory.
class PoolJobList {
 public:
  PoolJobList() = default;
  PoolJobList(const PoolJobList&) = delete;
  PoolJobList& operator=(const PoolJobList&) = delete;
  ~PoolJobList() {
    while (pop()) {
    }
  }

  bool empty() const { return first_ == nullptr; }
  void push(std::unique_ptr<PoolJob> job) {
    *end_ = job.release();
    end_ = &(*end_)->next;
  }
  // The oldest; null if there is none.
  std::unique_ptr<PoolJob> pop() {
    std::unique_ptr<PoolJob> job(first_);
    if (job) first_ = std::exchange(job->next, nullptr);
    if (!first_) end_ = &first_;
    return job;
  }

 private:
  PoolJob* first_ = nullptr;
  PoolJob** end_ = &first_;  // where the next one goes
};

template <class Work, class Done>
class PoolJobOf final : public PoolJob {
 public:
  template <class W, class D>
  PoolJobOf(W&& work, D&& done) : work_(std::forward<W>(work)), done_(std::forward<D>(done)) {}

 private:
  using Value = std::invoke_result_t<Work&>;

  void work() override {
    if constexpr (std::is_void_v<Value>) {
      work_();
    } else {
      value_.emplace(work_());
    }
  }
  void done() override {
    if constexpr (std::is_void_v<Value>) {
      done_();
    } else {
      done_(std::move(*value_));
    }
  }

  Work work_;
  Done done_;
  [[no_unique_address]] std::conditional_t<std::is_void_v<Value>, std::nullopt_t, std::optional<Value>>
      value_{std::nullopt};
};

}  // namespace internal

// The threads of one loop for work that blocks. They are made when there is work for them and none is idle,
// up to thread-pool-max; one that has had nothing to do for ten seconds ends, unless only thread-pool-min are
// left: that many are kept, none is made in advance. They are called "pool <loop>", have all signals blocked,
// and inherit the CPU affinity that the loop's thread has when they are made; those that there are do not
// follow a later change of it.
//
//     loop.thread_pool().submit([] { return compress(data); }, [](Result<Bytes> bytes) { ... });
//
// Owns its threads, and the jobs, which are freed by the thread that runs the loop, or ends it.
// Thread: the loop's home thread, except what says "Thread-safe".
class ThreadPool {
 public:
  static constexpr std::chrono::seconds kIdleTimeout{10};

  // Tells one job from the others of the same pool.
  using JobId = std::uint64_t;

  // Usually had as AioContext::thread_pool(). min and max are those of the loop.
  explicit ThreadPool(AioContext& loop, std::chrono::nanoseconds idle_timeout = kIdleTimeout);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // As end().
  ~ThreadPool();
  // Waits for the jobs that have been started, and frees all. No done is called any more, and no job taken.
  // For a loop that is closed.
  void end();

  // Calls work in one of the threads, after all that were submitted before have been started, and then
  // done(what work returned) in the loop, as a bottom half. work must not throw.
  // Errors: "Failed to create thread: <reason>", when there isn't one that could take it later either.
  // Without memory for the job it throws std::bad_alloc, and nothing has changed; finishing a job needs none.
  template <class Work, class Done>
  Result<JobId> submit(Work&& work, Done&& done) {
    using Job = internal::PoolJobOf<std::decay_t<Work>, std::decay_t<Done>>;
    return add(std::make_unique<Job>(std::forward<Work>(work), std::forward<Done>(done)));
  }

  // Takes back a job that hasn't been started: true, and neither work nor done is called. False: too late,
  // done will be called or has been.
  bool cancel(JobId job);

  // Thread-safe. thread-pool-min or thread-pool-max have changed: surplus threads end when they are idle, or
  // more are made for the jobs that wait.
  void params_changed();

  // Thread-safe. Threads there are now, idle or not.
  std::size_t threads() const { return thread_count_.load(std::memory_order_relaxed); }
  // Thread-safe. Jobs whose done hasn't been called yet.
  std::size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  Result<JobId> add(std::unique_ptr<internal::PoolJob> job);
  bool needs_thread() const;
  Result<void> start_thread();
  void start_threads();
  void run_thread();
  bool surplus() const;
  void end_thread(std::unique_lock<std::mutex> lock);
  void finish();

  AioContext& loop_;
  const std::chrono::nanoseconds idle_timeout_;
  BottomHalf finish_bh_;
  BottomHalf start_bh_;

  // A job costs a lock or two and a wake-up of its thread; work worth a thread takes longer than that.
  std::mutex mutex_;  // the six below
  std::condition_variable work_or_end_;
  std::deque<std::unique_ptr<internal::PoolJob>> waiting_;  // oldest first, so sorted by id
  internal::PoolJobList worked_;                            // finish() has not seen them
  std::vector<std::thread> threads_;
  std::thread last_ended_;  // joined by the next that ends
  std::size_t idle_ = 0;    // threads waiting for work, or about to
  bool ending_ = false;

  // Home thread only.
  internal::PoolJobList finishing_;  // their done is next
  std::uint64_t next_id_ = 1;

  std::atomic<std::size_t> thread_count_ = 0;
  std::atomic<std::size_t> pending_ = 0;
};

}  // namespace qomio

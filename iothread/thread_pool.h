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

// A job: work() runs in a worker thread, then done() in the loop.
class PoolJob {
 public:
  PoolJob() = default;
  PoolJob(const PoolJob&) = delete;
  PoolJob& operator=(const PoolJob&) = delete;
  virtual ~PoolJob() = default;

  virtual void work() = 0;
  virtual void done() = 0;

  std::uint64_t id = 0;
  PoolJob* next = nullptr;  // in a PoolJobList
};

// A queue of jobs. Owns them; allocates no memory.
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
  // Removes and returns the oldest job; null if the queue is empty.
  std::unique_ptr<PoolJob> pop() {
    std::unique_ptr<PoolJob> job(first_);
    if (job) first_ = std::exchange(job->next, nullptr);
    if (!first_) end_ = &first_;
    return job;
  }

 private:
  PoolJob* first_ = nullptr;
  PoolJob** end_ = &first_;  // where the next job is linked
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

// Runs blocking work of one loop in worker threads. A thread is started when a job is submitted and all
// threads are busy, up to thread-pool-max; no thread is started in advance. A thread that has been idle for
// ten seconds ends, unless only thread-pool-min are left. The threads are named "pool <loop>", block all
// signals, and inherit the CPU affinity that the loop's thread has when they start; a later change does not
// affect them.
//
//     loop.thread_pool().submit([] { return compress(data); }, [](Result<Bytes> bytes) { ... });
//
// Owns its threads, and the jobs, which are destroyed in the thread that runs or ends the loop.
// Thread: the loop's home thread, except functions marked "Thread-safe".
class ThreadPool {
 public:
  static constexpr std::chrono::seconds kIdleTimeout{10};

  // Identifies a job; unique within a pool.
  using JobId = std::uint64_t;

  // Usually created by AioContext::thread_pool(). thread-pool-min and thread-pool-max are read from the
  // loop's settings.
  explicit ThreadPool(AioContext& loop, std::chrono::nanoseconds idle_timeout = kIdleTimeout);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  // Calls end().
  ~ThreadPool();
  // Waits for the jobs that have started, then destroys all jobs without calling done. The pool accepts no
  // more jobs. Called when the loop is closed.
  void end();

  // Calls work in one of the threads, after all jobs submitted before have started, and then done(result of
  // work) in the loop, from a bottom half. work must not throw.
  // Errors: "Failed to create thread: <reason>", if the pool has no thread to run the job later either; "The
  // loop '<loop>' has ended". If there is no memory for the job, throws std::bad_alloc and changes nothing;
  // finishing a job needs no memory.
  template <class Work, class Done>
  Result<JobId> submit(Work&& work, Done&& done) {
    using Job = internal::PoolJobOf<std::decay_t<Work>, std::decay_t<Done>>;
    return add(std::make_unique<Job>(std::forward<Work>(work), std::forward<Done>(done)));
  }

  // Cancels a job that has not started: returns true, and neither work nor done is called. Returns false if
  // it is too late: done will be called or has been.
  bool cancel(JobId job);

  // Thread-safe. Called when thread-pool-min or thread-pool-max has changed: surplus threads end when they
  // are idle, or more threads are started for waiting jobs.
  void params_changed();

  // Thread-safe. The number of threads, idle or not.
  std::size_t threads() const { return thread_count_.load(std::memory_order_relaxed); }
  // Thread-safe. The number of jobs whose done has not been called yet.
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

  // A job takes one or two locks and wakes a thread; work that is worth a thread takes longer than that.
  std::mutex mutex_;  // guards the members below, up to ending_
  std::condition_variable work_or_end_;
  std::deque<std::unique_ptr<internal::PoolJob>> waiting_;  // oldest first, so sorted by id
  internal::PoolJobList worked_;                            // work() has returned; finish() takes them
  std::vector<std::thread> threads_;
  std::thread last_ended_;  // joined by the next thread that ends
  std::size_t idle_ = 0;    // threads waiting for work, or about to
  bool ending_ = false;

  // Home thread only.
  internal::PoolJobList finishing_;  // their done is called next
  std::uint64_t next_id_ = 1;

  std::atomic<std::size_t> thread_count_ = 0;
  std::atomic<std::size_t> pending_ = 0;
};

}  // namespace qomio

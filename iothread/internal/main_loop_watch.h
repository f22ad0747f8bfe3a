// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/stall_log.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/error.h"

namespace qomio::internal {

// Adds up the time for which a thread is held up by its own work, as observed by another thread. Excluded are
// time in which the thread waits for a CPU, and most of the time between two observations that are far apart,
// since the observer was stopped then too, for example with the whole process.
class HeldUpTime {
 public:
  explicit HeldUpTime(std::int64_t interval_ns) : interval_ns_(interval_ns) {}

  enum class ThreadState { runnable, sleeping, stopped };

  // cpu_ns: the CPU time that the thread has used so far.
  void observe(std::int64_t now_ns, ThreadState state, std::int64_t cpu_ns);
  // Starts again from 0: the thread was making progress at now_ns.
  void restart(std::int64_t now_ns, std::int64_t cpu_ns);
  std::int64_t total_ns() const { return total_ns_; }

 private:
  const std::int64_t interval_ns_;
  std::int64_t last_observed_ns_ = 0;
  std::int64_t last_cpu_ns_ = 0;
  std::int64_t total_ns_ = 0;
};

// A thread that checks whether the main loop still iterates. Thread: the main thread.
class MainLoopWatch {
 public:
  // The log and the registry, which knows the running command, must outlive the watch. Watches until the
  // caller's current loop, if there is one, is closed. Errors: no thread is available ("Failed to create
  // thread: ...").
  static Result<std::unique_ptr<MainLoopWatch>> start(std::int64_t threshold_ns, std::int64_t interval_ns,
                                                      StallLog& log, const CommandRegistry& commands);
  MainLoopWatch(const MainLoopWatch&) = delete;
  MainLoopWatch& operator=(const MainLoopWatch&) = delete;
  ~MainLoopWatch();

  // Thread-safe. Returns true if the loop was closed.
  bool has_ended() const { return loop_ && loop_->is_closed(); }

  // Called by the main loop every interval_ns. Returns the stall that has ended, if there was one.
  std::optional<StallLog::Stall> beat();

 private:
  MainLoopWatch(std::int64_t threshold_ns, std::int64_t interval_ns, StallLog& log,
                const CommandRegistry& commands);

  void run();
  bool wait_for_next_check();  // false: the watch ends
  void check();
  // The line to log if this is a stall that has not been logged.
  std::optional<std::string> still_late(std::int64_t beat_ns, HeldUpTime::ThreadState state);
  std::int64_t main_cpu_ns() const;
  HeldUpTime::ThreadState main_state() const;
  std::string main_call() const;
  StallLog::Stall stall_in(std::string call) const;

  const std::int64_t threshold_ns_;
  const std::int64_t interval_ns_;
  StallLog& log_;
  const CommandRegistry& commands_;
  Ref<AioContext> loop_;  // null: the main thread has none
  clockid_t main_clock_ = 0;
  const std::string main_stat_;  // the path of the main thread's stat file in /proc

  std::mutex mutex_;  // guards the rest
  std::condition_variable end_;
  bool ending_ = false;
  std::int64_t beat_ns_;
  int checks_ = 0;  // since the last beat
  HeldUpTime held_up_;
  std::string found_in_;  // the call in which a stall was found; empty: none
  std::thread thread_;
};

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/internal/awaited_calls.h"
#include "qomio/iothread/internal/fd_handler_set.h"
#include "qomio/iothread/internal/loop_counters.h"
#include "qomio/iothread/internal/loop_lifetime.h"
#include "qomio/iothread/internal/owned_list.h"
#include "qomio/iothread/internal/poller.h"
#include "qomio/iothread/internal/post_queue.h"
#include "qomio/iothread/internal/running_call_mark.h"
#include "qomio/iothread/internal/shared_value.h"
#include "qomio/iothread/internal/timer_list.h"
#include "qomio/iothread/internal/wait_list.h"
#include "qomio/iothread/internal/waker.h"

namespace qomio::internal {

// The implementation of AioContext: every AioContext is a Loop.
class Loop final : public AioContext, public LoopLifetime {
 public:
  static Loop& of(AioContext& loop) { return static_cast<Loop&>(loop); }

  Loop(std::string name, EventNotifier notifier, FdMonitor monitor);

  // Called by CurrentAioContext.
  void enter_thread();
  void leave_thread();

  // Home thread. refuse: run_in() of other threads returns false from now on; otherwise it makes calls again.
  void refuse_calls(bool refuse);

  // Home thread. Called while a handler set by add_fd_handler() is running: the handler is removed when the
  // loop next waits in its monitor, unless resume_fd_handler() is called first. resume_fd_handler() returns
  // false if the handler has been removed or replaced.
  void pause_fd_handler(int fd, FdDirection direction, const void* owner) {
    handlers_.pause_direction(fd, direction, owner);
  }
  bool resume_fd_handler(int fd, FdDirection direction, const void* owner);

  // How long an iteration may sleep, in ns; 0: not at all, -1: without limit.
  std::int64_t compute_timeout();
  // Accepts notifications, as each iteration does before it looks for work.
  void accept_notifications();

 private:
  friend class ::qomio::AioContext;
  friend class Joining;
  struct Source;
  struct Nesting;

  ~Loop() override;

  void end();
  TimerList& timers(ClockType clock) {
    return clock == ClockType::monotonic ? monotonic_timers_ : realtime_timers_;
  }
  void handlers_changed();
  void drop_calls(const AioContext* caller);

  bool iterate(bool blocking);
  void apply_params();
  std::int64_t timeout_from(std::int64_t now_ns);
  void count_busy(std::int64_t now_ns, bool outermost);
  void count_sleep(std::int64_t now_ns);
  bool end_poll_mode();
  // Announces the sleep, then looks for work; returns true if the loop may sleep.
  bool announce_sleep() { return waker_.announce_sleep() && !posts_.urgent(); }
  bool notified() const { return waker_.notified() || posts_.urgent(); }
  // scheduled: the number of posts by other threads. Returns true if there were any, or any notifications.
  bool accept(std::uint32_t scheduled) {
    const Waker::Accepted accepted = waker_.accept(scheduled);
    if (accepted.elided != 0) counters_[LoopStat::wakeups_elided].add(accepted.elided);
    return accepted.count != 0;
  }
  bool dispatch();
  bool dispatch_all();
  void iterate_in_source(bool ask_monitor);
  GSource* make_source();
  void destroy_source();

  std::atomic<std::uint32_t> refs_ = 0;
  const std::string name_;
  std::atomic<bool> has_home_ = false;

  Waker waker_;
  PostQueue posts_{waker_, *this};
  TimerList monotonic_timers_{waker_, *this, ClockType::monotonic};
  TimerList realtime_timers_{waker_, *this, ClockType::realtime};
  FdHandlerSet handlers_;
  OwnedList owned_;

  SharedValue<LoopParams> params_{LoopParams{.poll_max_ns = 0}};
  std::atomic<ThreadPool*> thread_pool_ = nullptr;  // owned; created by the home thread
  std::unique_ptr<FileIo> file_io_;

  AwaitedCalls calls_{posts_};
  WaitList waits_;

  // Home thread only.
  std::uint32_t params_version_ = 0;  // of the settings that the poller uses
  Poller poller_{handlers_, counters_};
  int depth_ = 0;           // nested iterations
  int skipped_checks_ = 0;  // iterations since the monitor last looked for ready descriptors
  Source* source_ = nullptr;

  LoopCounters counters_;
  RunningCallMark running_call_;
};

}  // namespace qomio::internal

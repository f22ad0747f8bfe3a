// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "qomio/iothread/fd_handlers.h"
#include "qomio/iothread/internal/monitors/fd_monitor.h"
#include "qomio/iothread/internal/poll_controller.h"
#include "qomio/iothread/internal/running_call_mark.h"

namespace qomio::internal {

struct FdHandler;
struct FdHandlerDeleter {
  void operator()(FdHandler* handler) const;
};
// A handler that does not belong to a set yet; null: none.
using NewFdHandler = std::unique_ptr<FdHandler, FdHandlerDeleter>;

// The descriptors of one loop, their handlers, and which of them are ready. Owns the FdMonitor.
// Thread: the home thread, except size(), polled_size() and monitor_kind().
//
// A handler with a poll callback joins the polled set when it first becomes ready, since activity is likely
// to continue, and leaves it after kIdleNs without an event. While there is any other descriptor, busy
// polling also checks the monitor, without blocking: measured, that is four times as fast as watching
// io_uring's completions in shared memory. The other descriptors share one polling window, so that a wait
// costs the same however many there are. Removed handlers are kept until free_removed(), since one of them
// may be running.
//
// Adding a descriptor allocates all the memory that it will ever need: watching, queueing, calling and
// removing it need none.
class FdHandlerSet {
 public:
  // The notifier is watched too, but has no handler: wait() reports it.
  FdHandlerSet(FdMonitor monitor, int notifier_fd);
  ~FdHandlerSet();

  // Without memory, set() and add_direction() throw std::bad_alloc and change nothing.
  void set(int fd, FdHandlers functions);
  // set() in two steps: another thread may create the handler, and setting it then needs no memory. If the
  // set cannot grow for lack of memory, it tries again in each wait() while any_postponed().
  static NewFdHandler prepare(int fd, FdHandlers functions);
  void set_prepared(int fd, NewFdHandler handler);
  bool any_postponed() const { return postponed_ != nullptr; }
  // Adds a handler for one direction, for owners that know nothing of each other. Returns false if that
  // direction has a handler already.
  bool add_direction(int fd, FdDirection direction, std::function<void()> function, const void* owner);
  // Removes the handler if it still belongs to owner.
  void remove_direction(int fd, FdDirection direction, const void* owner);
  // Called while a handler of one direction is running: until resume_direction() it counts as removed, but
  // keeps its memory and its place in the monitor. The next wait(), or another pause, removes it.
  void pause_direction(int fd, FdDirection direction, const void* owner);
  // Returns false if the handler is not paused. With epoll it costs a system call, which checks that fd is
  // still the same file.
  bool resume_direction(int fd, FdDirection direction, const void* owner);

  // Waits in the monitor and queues the handlers that are ready. Returns true if the notifier was signalled.
  bool wait(std::int64_t timeout_ns);
  // Returns true if there may be events that no poll callback finds.
  bool must_ask_monitor() const { return unpollable_ > 0 || monitor_.has_completions(); }

  static constexpr std::int64_t kIdleNs = 7'000'000'000;

  // Runs one round of busy polling: queues the hits, and returns true if there was one. Turns poll mode on.
  bool poll_once();
  // Removes handlers from the polled set that have been idle for kIdleNs. Call it often.
  void drop_idle(std::int64_t now_ns);
  // Turns poll mode off and polls once more, since an event may have come before the producers knew that they
  // must signal again. Returns true for a hit.
  bool end_poll_mode();

  // Calls the queued handlers, including the ones left by an outer call; returns the number of calls.
  std::uint64_t dispatch(RunningCallMark& mark);
  bool any_queued() const { return next_queued_ < queued_.size(); }
  void free_removed();
  // Frees all handlers of a loop that ends. Their descriptors stay in the monitor, which is destroyed with
  // the set.
  void clear();

  // Reports each polled handler to the controller after a wait. Returns true if a descriptor was ready.
  bool report(PollController& controller, std::int64_t delay_ns);
  void reset_windows();

  FdMonitor& monitor() { return monitor_; }
  // Thread-safe. The notifier is not counted.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::size_t polled_size() const { return polled_size_.load(std::memory_order_relaxed); }
  FdMonitorKind monitor_kind() const { return kind_.load(std::memory_order_relaxed); }

 private:
  void end_pause();
  void make_room(int fd);
  bool try_make_room(int fd);
  void forget_postponed(int fd);
  void place_postponed();
  void replace(NewFdHandler handler);
  void enqueue(FdHandler& handler, short revents, bool poll_hit);
  void unqueue(FdHandler& handler);
  bool take_event(const FdEvent& event, bool slept);
  void join_polled(FdHandler& handler);
  void leave_polled(FdHandler& handler);
  bool poll_all();
  bool peek();
  std::uint64_t dispatch_one(FdHandler& handler);
  void remove(int fd);
  void detach(int fd);
  void keep_until_free(FdHandler& handler);
  void publish_counts();

  FdMonitor monitor_;
  const int notifier_fd_;
  FdHandler* find(int fd) const;
  std::vector<NewFdHandler> handlers_;  // by descriptor, since these are small numbers; null: none
  std::size_t count_ = 0;               // the number of handlers
  // These three have room for all handlers.
  std::vector<FdHandler*> polled_;  // null: the handler left; free_removed() closes the gaps
  std::vector<FdHandler*> queued_;  // ready, oldest first; entries before next_queued_ have been taken out
  std::vector<FdEvent> events_;     // of the wait in progress; entries before next_event_ have been processed
  std::size_t next_queued_ = 0;
  std::size_t next_event_ = 0;
  struct {
    int fd = -1;
    FdDirection direction = FdDirection::read;
    const void* owner = nullptr;     // null: none
  } paused_;                         // the handler that is paused
  FdHandler* unused_ = nullptr;      // list of handlers of which free_removed() frees something
  FdHandler* postponed_ = nullptr;   // list of handlers for which there was no room
  std::size_t unpollable_ = 0;       // handlers without a poll callback
  std::size_t joined_ = 0;           // handlers in polled_
  HandlerWindow common_window_;      // of the handlers without a poll callback
  bool any_other_ready_ = false;     // one of these was ready in the wait that is reported next
  bool stale_notification_ = false;  // seen by peek(), not returned by wait() yet
  std::int64_t idle_check_ns_ = 0;   // when drop_idle() next checks the handlers
  bool poll_mode_ = false;

  std::atomic<std::size_t> size_ = 0;
  std::atomic<std::size_t> polled_size_ = 0;
  std::atomic<FdMonitorKind> kind_ = FdMonitorKind::poll;
};

}  // namespace qomio::internal

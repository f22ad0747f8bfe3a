// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "qomio/iothread/loop_params.h"

namespace qomio {

// The part of the controller that each polled handler keeps for itself.
struct HandlerWindow {
  std::int64_t window_ns = 0;    // arrival, classic
  std::int64_t estimate_ns = 0;  // weighted: the running mean of its delays; 0: none
};

// Decides for how long a loop polls before it blocks. A pure function of the times it is told: it reads no
// clock.
//
// After each wait the loop reports, for every polled handler, whether it was ready and its delay: the time
// from the start of the iteration's wait (polling included) to
//   arrival   the arrival of the event. The default, because the wake-up itself takes about as long as a
//   window:
//             what polling can win is decided by when the event came, not by when the sleeper noticed;
//   classic   the end of the sleep;
//   weighted  as arrival, used through a running mean per handler.
//
// With policy arrival there is a second judge, since a window alone keeps burning time where polling can't
// win. Polling is done only while at least half of the last eight waits ended with a polled event that
// arrived within poll_max_ns; the windows live on meanwhile, so it comes back at full length. And eight busy
// polls in vain one after the other, although events come soon, mean that the loop is in its waker's way
// (both on one processor, for example): then it is left for 16 waits, twice as many each time until a poll
// finds something, up to 1024.
class PollController {
 public:
  explicit PollController(const LoopParams& params = {}) { set_params(params); }

  // Starts again from windows of 0: the caller must reset the HandlerWindows as well.
  void set_params(const LoopParams& params);
  const LoopParams& params() const { return params_; }  // those in force

  // For how long to poll now; 0: not at all. Never above poll_max_ns.
  std::int64_t window_ns() const { return gate_open_ && pause_left_ == 0 ? window_ns_ : 0; }

  // One busy poll found an event, or none.
  void hit();
  void miss();

  // After a wait: begin, then each polled handler once, then end.
  void begin_wait_report();
  void ready(HandlerWindow& handler, std::int64_t delay_ns);
  void not_ready(HandlerWindow& handler, std::int64_t delay_ns);
  void end_wait_report();

 private:
  void remember(bool in_time);
  std::int64_t shrunk(std::int64_t window_ns) const;
  std::int64_t grown(std::int64_t window_ns) const;

  LoopParams params_;
  std::int64_t window_ns_ = 0;
  bool gate_open_ = false;
  std::uint8_t history_ = 0;  // the last eight waits, newest lowest; 1: a polled event came in time
  int misses_in_a_row_ = 0;
  int next_pause_ = 0;
  int pause_left_ = 0;  // waits without polling

  // Of the report in progress.
  bool any_ready_ = false;
  bool in_time_ = false;
  std::int64_t longest_window_ns_ = 0;
  std::int64_t longest_estimate_ns_ = 0;
};

// The running mean (weight 1/8) of what a wake-up costs: from the event's arrival to the end of the sleep.
// One sample counts for at most four times the mean, and for at most kLongestNs: longer ones tell of a
// preempted thread. A loop has few samples where descriptors wake it, so a single one must not spoil the
// mean.
class WakeupCost {
 public:
  static constexpr std::int64_t kLongestNs = 100'000;

  // mean_ns: to start from, 0: from the first sample.
  explicit WakeupCost(std::int64_t mean_ns = 0) : mean_ns_(mean_ns) {}

  void sample(std::int64_t cost_ns);
  std::int64_t mean_ns() const { return mean_ns_; }  // 0: no sample yet

 private:
  std::int64_t mean_ns_;
};

}  // namespace qomio

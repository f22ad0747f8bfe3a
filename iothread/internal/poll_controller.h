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

// Decides how long a loop polls before it blocks. A pure function of the times passed to it: it reads no
// clock.
//
// After each wait the loop reports, for every polled handler, whether it was ready and its delay: the time
// from the start of the iteration's wait (polling included) to
//   arrival   the arrival of the event. The default, because the wake-up itself takes about as long as a
//             window: when the event arrived decides what polling can win, not when the sleeper noticed it;
//   classic   the end of the sleep;
//   weighted  as arrival, but averaged per handler.
//
// Policy arrival has a second criterion, since a window alone would waste time where polling cannot win. The
// loop polls only while at least half of the last eight waits ended with a polled event that arrived within
// poll_max_ns; the windows are kept meanwhile, so that polling resumes at full length. Also, eight useless
// polls in a row although events arrive soon mean that the loop hinders its waker (if both share one
// processor, for example). Then it does not poll for 16 waits, and for twice as many each further time, up to
// 1024, until a poll finds something.
class PollController {
 public:
  explicit PollController(const LoopParams& params = {}) { set_params(params); }

  // Starts again from windows of 0: the caller must reset the HandlerWindows as well.
  void set_params(const LoopParams& params);
  const LoopParams& params() const { return params_; }  // the settings in force

  // How long to poll now, never longer than poll_max_ns; 0: do not poll.
  std::int64_t window_ns() const { return gate_open_ && pause_left_ == 0 ? window_ns_ : 0; }

  // Called after each busy poll: it found an event, or none.
  void hit();
  void miss();

  // Called after each wait: begin, then ready or not_ready once for each polled handler, then end.
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

// The running mean (weight 1/8) of the cost of a wake-up: the time from the event's arrival to the end of the
// sleep. One sample counts for at most four times the mean, and for at most kLongestNs: longer ones come from
// a preempted thread. A loop that is woken by descriptors has few samples, so a single one must not spoil the
// mean.
class WakeupCost {
 public:
  static constexpr std::int64_t kLongestNs = 100'000;

  // mean_ns: the initial mean; 0: the first sample becomes the mean.
  explicit WakeupCost(std::int64_t mean_ns = 0) : mean_ns_(mean_ns) {}

  void sample(std::int64_t cost_ns);
  std::int64_t mean_ns() const { return mean_ns_; }  // 0: no sample yet

 private:
  std::int64_t mean_ns_;
};

}  // namespace qomio

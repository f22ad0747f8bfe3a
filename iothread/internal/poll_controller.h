// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "qomio/iothread/loop_params.h"
#include "qomio/iothread/loop_stats.h"

namespace qomio {

// Limits the time that a loop spends in busy polls that find nothing to a percentage of any second.
class PollBudget {
 public:
  // percent: of a second, 0 to 100.
  void set_percent(std::int64_t percent);
  // The time that is left for such polls. now_ns must not decrease from call to call.
  std::int64_t left_ns(std::int64_t now_ns);
  void spend(std::int64_t now_ns, std::int64_t ns);

 private:
  // A second and the poll that is going on at its end touch at most two slots more than there are in a
  // second.
  static constexpr std::int64_t kSlotNs = 1'000'000'000 / 64;
  static constexpr std::int64_t kSlots = 66;

  void advance(std::int64_t now_ns);

  std::array<std::int64_t, kSlots> spent_ns_{};  // in each slot of time; a ring
  std::int64_t slot_ = 0;                        // the present one, counted from the clock's 0
  std::int64_t all_spent_ns_ = 0;
  std::int64_t limit_ns_ = 0;
};

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
// 1024, until a poll finds something. After such a pause, three useless polls begin the next.
//
// When an event of a descriptor arrived is an estimate, which may be too late by `doubt_ns`. Where only that
// doubt keeps the loop from polling, it tries two polls of the full length in 16 waits, then in 32 and so on,
// up to 1024. A poll that finds its event this way tells what a wake-up costs; see tries().
//
// With each policy, poll_budget limits the time spent in polls that find nothing.
class PollController {
 public:
  explicit PollController(const LoopParams& params = {}) { set_params(params); }

  // Starts again from windows of 0: the caller must reset the HandlerWindows as well.
  void set_params(const LoopParams& params);
  const LoopParams& params() const { return params_; }  // the settings in force

  // How long to poll at this time, never longer than poll_max_ns; 0: do not poll.
  std::int64_t window_ns(std::int64_t now_ns) {
    const std::int64_t window = next_window_ns();
    return window == 0 || params_.poll_budget >= 100 ? window : affordable(window, now_ns);
  }
  // The same without the limit of the budget, which depends on the time.
  std::int64_t next_window_ns() const {
    if (tries_left_ > 0) return params_.poll_max_ns;
    return gate_open_ && pause_left_ == 0 ? window_ns_ : 0;
  }
  // What decides whether the loop polls before its next wait.
  PollState state() const;

  // Called after each busy poll: it found an event, or none from start_ns to end_ns.
  void hit();
  void miss(std::int64_t start_ns, std::int64_t end_ns);
  // Whether the poll to come is a try.
  bool tries() const { return tries_left_ > 0; }

  // Called after each wait: begin, then ready or not_ready once for each polled handler, then end.
  void begin_wait_report(std::int64_t doubt_ns = 0);
  void ready(HandlerWindow& handler, std::int64_t delay_ns);
  void not_ready(HandlerWindow& handler, std::int64_t delay_ns);
  void end_wait_report();

 private:
  std::int64_t affordable(std::int64_t window_ns, std::int64_t now_ns);
  void remember(bool in_time);
  void plan_tries();
  std::int64_t shrunk(std::int64_t window_ns) const;
  std::int64_t grown(std::int64_t window_ns) const;

  LoopParams params_;
  PollBudget budget_;
  bool budget_is_spent_ = false;
  std::int64_t window_ns_ = 0;
  bool gate_open_ = false;
  std::uint8_t history_ = 0;  // the last eight waits, newest lowest; 1: a polled event came in time
  int misses_in_a_row_ = 0;
  int next_pause_ = 0;
  int pause_left_ = 0;  // waits without polling
  int tries_left_ = 0;
  int next_tries_ = 0;      // in so many doubtful waits
  int doubtful_waits_ = 0;  // since the last tries

  // Of the report in progress.
  std::int64_t doubt_ns_ = 0;
  bool any_ready_ = false;
  bool in_time_ = false;
  bool maybe_in_time_ = false;
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
  static constexpr std::int64_t kFirstGuessNs = 10'000;
  // The estimate may be wrong by this factor: samples come from wake-ups of other kinds and at other times.
  static constexpr std::int64_t kDoubt = 4;

  // mean_ns: the initial mean; 0: the first sample becomes the mean.
  explicit WakeupCost(std::int64_t mean_ns = 0) : mean_ns_(mean_ns) {}

  void sample(std::int64_t cost_ns);
  // A wake-up such as the loop's next ones; counts for half.
  void measured(std::int64_t cost_ns);
  std::int64_t mean_ns() const { return mean_ns_; }  // 0: no sample yet

 private:
  std::int64_t mean_ns_;
};

// When an event arrived that ended a sleep of slept_ns, as a time since the start of the wait, if a wake-up
// costs cost_ns. polled_ns of the wait were polled, and the event did not come then.
inline std::int64_t arrival_ns(std::int64_t slept_ns, std::int64_t polled_ns, std::int64_t cost_ns) {
  return std::max(slept_ns - cost_ns, polled_ns > 0 ? polled_ns + 1 : 0);
}

}  // namespace qomio

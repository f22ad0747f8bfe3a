// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/poll_controller.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace qomio {

namespace {

constexpr std::int64_t kFirstWindowNs = 4000;
constexpr std::int64_t kShortestWindowNs = 500;  // shorter windows end before an event could arrive
constexpr int kOpenAt = 4;                       // of eight waits
constexpr int kMissesUntilPause = 8;             // more than a window needs to grow to a common length
constexpr int kMissesUntilNextPause = 3;
constexpr int kFirstPause = 16;
constexpr int kLongestPause = 1024;
constexpr int kTries = 2;
constexpr int kFirstTries = 16;
constexpr int kRarestTries = 1024;

}  // namespace

void PollBudget::set_percent(std::int64_t percent) { limit_ns_ = percent * 10'000'000; }

void PollBudget::advance(std::int64_t now_ns) {
  const std::int64_t slot = now_ns / kSlotNs;
  if (slot - slot_ >= kSlots) {
    spent_ns_ = {};
    all_spent_ns_ = 0;
    slot_ = slot;
  }
  while (slot_ < slot) {
    std::int64_t& oldest = spent_ns_[static_cast<std::size_t>(++slot_ % kSlots)];
    all_spent_ns_ -= std::exchange(oldest, 0);
  }
}

std::int64_t PollBudget::left_ns(std::int64_t now_ns) {
  advance(now_ns);
  return std::max<std::int64_t>(limit_ns_ - all_spent_ns_, 0);
}

void PollBudget::spend(std::int64_t now_ns, std::int64_t ns) {
  advance(now_ns);
  spent_ns_[static_cast<std::size_t>(slot_ % kSlots)] += ns;
  all_spent_ns_ += ns;
}

void PollController::set_params(const LoopParams& params) {
  params_ = params.in_force();
  window_ns_ = 0;
  history_ = 0;
  misses_in_a_row_ = 0;
  next_pause_ = kFirstPause;
  pause_left_ = 0;
  tries_left_ = 0;
  next_tries_ = kFirstTries;
  doubtful_waits_ = 0;
  gate_open_ = params_.poll_policy != PollPolicy::arrival;
  budget_.set_percent(params_.poll_budget);
  budget_is_spent_ = false;
}

PollState PollController::state() const {
  if (params_.poll_max_ns == 0 || params_.poll_budget == 0) return PollState::off;
  if (pause_left_ > 0) return PollState::useless;
  if (!gate_open_) return PollState::late;
  if (budget_is_spent_) return PollState::budget;
  return window_ns_ == 0 ? PollState::learning : PollState::polling;
}

std::int64_t PollController::affordable(std::int64_t window_ns, std::int64_t now_ns) {
  const std::int64_t left = budget_.left_ns(now_ns);
  budget_is_spent_ = left < std::min(window_ns, kShortestWindowNs);
  return budget_is_spent_ ? 0 : std::min(window_ns, left);
}

std::int64_t PollController::shrunk(std::int64_t window_ns) const {
  const std::int64_t window = params_.poll_shrink == 0 ? 0 : window_ns / params_.poll_shrink;
  return window < kShortestWindowNs ? 0 : window;
}

std::int64_t PollController::grown(std::int64_t window_ns) const {
  std::int64_t window = kFirstWindowNs;
  if (window_ns != 0 && __builtin_mul_overflow(window_ns, params_.poll_grow, &window))
    window = params_.poll_max_ns;
  window = std::min(window, params_.poll_max_ns);
  return window < kShortestWindowNs ? 0 : window;
}

void PollController::remember(bool in_time) {
  if (params_.poll_policy != PollPolicy::arrival) return;
  history_ = static_cast<std::uint8_t>(history_ << 1 | (in_time ? 1 : 0));
  gate_open_ = std::popcount(history_) >= kOpenAt;
}

void PollController::hit() {
  misses_in_a_row_ = 0;
  next_pause_ = kFirstPause;
  if (tries_left_ > 0) {
    --tries_left_;
    next_tries_ = kFirstTries;
  }
  remember(true);
}

void PollController::miss(std::int64_t start_ns, std::int64_t end_ns) {
  if (params_.poll_budget < 100) budget_.spend(end_ns, end_ns - start_ns);
  if (tries_left_ > 0) {
    --tries_left_;
    return;
  }
  if (params_.poll_policy != PollPolicy::arrival || ++misses_in_a_row_ < kMissesUntilPause) return;
  misses_in_a_row_ = kMissesUntilPause - kMissesUntilNextPause;
  pause_left_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kLongestPause);
}

void PollController::begin_wait_report(std::int64_t doubt_ns) {
  doubt_ns_ = doubt_ns;
  any_ready_ = false;
  in_time_ = false;
  maybe_in_time_ = false;
  longest_window_ns_ = 0;
  longest_estimate_ns_ = 0;
}

void PollController::ready(HandlerWindow& handler, std::int64_t delay_ns) {
  any_ready_ = true;
  in_time_ |= delay_ns < params_.poll_max_ns;
  maybe_in_time_ |= delay_ns - doubt_ns_ < params_.poll_max_ns;
  if (params_.poll_policy == PollPolicy::weighted) {
    std::int64_t& estimate = handler.estimate_ns;
    estimate = estimate == 0
                   ? delay_ns
                   : estimate - (estimate >> params_.poll_weight) + (delay_ns >> params_.poll_weight);
    if (estimate >= params_.poll_max_ns) estimate = 0;
    longest_estimate_ns_ = std::max(longest_estimate_ns_, estimate);
    return;
  }
  std::int64_t& window = handler.window_ns;
  if (delay_ns > params_.poll_max_ns) {
    window = shrunk(window);
  } else if ((window < delay_ns || window == 0) && delay_ns < params_.poll_max_ns) {
    // A window of 0 grows even for a delay of 0: the delay is an estimate, from which too much may have been
    // subtracted.
    window = grown(window);
  }
  longest_window_ns_ = std::max(longest_window_ns_, window);
}

void PollController::not_ready(HandlerWindow& handler, std::int64_t delay_ns) {
  if (params_.poll_policy == PollPolicy::weighted) {
    std::int64_t& estimate = handler.estimate_ns;
    if (estimate == 0) return;
    if (__builtin_add_overflow(estimate, delay_ns, &estimate) || estimate >= params_.poll_max_ns)
      estimate = 0;
    return;
  }
  longest_window_ns_ = std::max(longest_window_ns_, handler.window_ns);
}

void PollController::end_wait_report() {
  remember(any_ready_ && in_time_);
  if (pause_left_ > 0) --pause_left_;
  plan_tries();
  if (params_.poll_policy != PollPolicy::weighted) {
    window_ns_ = longest_window_ns_;
    return;
  }
  if (!any_ready_) return;
  if (longest_estimate_ns_ > window_ns_) {
    std::int64_t window = params_.poll_max_ns;
    if (__builtin_mul_overflow(window_ns_, params_.poll_grow, &window)) window = params_.poll_max_ns;
    window_ns_ = std::min(std::max(window, longest_estimate_ns_), params_.poll_max_ns);
  } else if (longest_estimate_ns_ < window_ns_ / params_.poll_shrink) {
    window_ns_ /= params_.poll_shrink;
  }
  if (window_ns_ < kShortestWindowNs) window_ns_ = 0;
}

void PollController::plan_tries() {
  if (params_.poll_policy != PollPolicy::arrival || gate_open_ || tries_left_ > 0) return;
  if (!maybe_in_time_ || ++doubtful_waits_ < next_tries_) return;
  doubtful_waits_ = 0;
  tries_left_ = kTries;
  next_tries_ = std::min(2 * next_tries_, kRarestTries);
}

void WakeupCost::measured(std::int64_t cost_ns) {
  cost_ns = std::clamp<std::int64_t>(cost_ns, 1, kLongestNs);
  mean_ns_ = mean_ns_ == 0 ? cost_ns : std::max<std::int64_t>((mean_ns_ + cost_ns) / 2, 1);
}

void WakeupCost::sample(std::int64_t cost_ns) {
  cost_ns = std::clamp<std::int64_t>(cost_ns, 1, kLongestNs);
  if (mean_ns_ == 0) {
    mean_ns_ = cost_ns;
    return;
  }
  mean_ns_ += (std::min(cost_ns, 4 * mean_ns_) - mean_ns_) / 8;
  mean_ns_ = std::max<std::int64_t>(mean_ns_, 1);
}

}  // namespace qomio

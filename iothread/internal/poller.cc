// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/poller.h"

#include <algorithm>
#include <atomic>

namespace qomio::internal {

namespace {

// The mean wake-up cost of all loops of the process, for loops that have no samples of their own yet.
std::atomic<std::int64_t> wakeup_cost_of_all_ns = 0;

}  // namespace

void Poller::set_params(const LoopParams& params) {
  controller_.set_params(params);
  notifier_window_ = {};
  handlers_.reset_windows();
  publish_plan();
}

void Poller::publish_plan() {
  counters_[LoopStat::poll_window_ns].set(static_cast<std::uint64_t>(controller_.next_window_ns()));
  counters_.poll_state.store(controller_.state(), std::memory_order_relaxed);
}

void Poller::polled(std::int64_t start_ns, std::int64_t end_ns, bool hit) {
  counters_.times.poll.stop(end_ns);
  const std::int64_t polled_ns = end_ns - start_ns;
  if (hit) {
    counters_[LoopStat::poll_hits].add(1);
    // The events before came as late, if they come regularly; the rest of those waits was the wake-up.
    if (controller_.tries() && slept_for_descriptor_ns_ > polled_ns)
      learn_wakeup_cost([&](WakeupCost& cost) { cost.measured(slept_for_descriptor_ns_ - polled_ns); });
    controller_.hit();
  } else {
    counters_[LoopStat::poll_misses].add(1);
    counters_[LoopStat::poll_miss_ns].add(static_cast<std::uint64_t>(polled_ns));
    controller_.miss(start_ns, end_ns);
    missed_start_ns_ = start_ns;
    missed_ns_ = polled_ns;
  }
  publish_plan();
}

std::int64_t Poller::wakeup_cost_ns() const {
  if (const std::int64_t own = wakeup_cost_.mean_ns(); own != 0) return own;
  const std::int64_t all = wakeup_cost_of_all_ns.load(std::memory_order_relaxed);
  return all != 0 ? all : WakeupCost::kFirstGuessNs;
}

template <class Change>
void Poller::learn_wakeup_cost(const Change& change) {
  // Several loops may overwrite each other's samples here, which costs precision only.
  const std::int64_t all = wakeup_cost_of_all_ns.load(std::memory_order_relaxed);
  if (wakeup_cost_.mean_ns() == 0) wakeup_cost_ = WakeupCost(all);
  change(wakeup_cost_);
  const std::int64_t mean = wakeup_cost_.mean_ns();
  counters_[LoopStat::wakeup_cost_ns].set(static_cast<std::uint64_t>(mean));
  wakeup_cost_of_all_ns.store(all == 0 ? mean : all + (mean - all) / 8, std::memory_order_relaxed);
}

void Poller::waited(std::int64_t start_ns, std::int64_t end_ns, bool notified, std::int64_t stamp_ns) {
  if (notified && stamp_ns != 0) learn_wakeup_cost([&](WakeupCost& cost) { cost.sample(end_ns - stamp_ns); });
  if (controller_.params().poll_max_ns == 0) return publish_plan();

  const std::int64_t slept = end_ns - start_ns;
  const std::int64_t polled = missed_start_ns_ == start_ns ? missed_ns_ : 0;
  std::int64_t descriptor_delay = slept;
  std::int64_t notifier_delay = slept;
  std::int64_t doubt = 0;
  if (controller_.params().poll_policy != PollPolicy::classic) {
    const std::int64_t cost = wakeup_cost_ns();
    descriptor_delay = arrival_ns(slept, polled, cost);
    if (!notified) doubt = (WakeupCost::kDoubt - 1) * cost;
    if (stamp_ns != 0) notifier_delay = std::max<std::int64_t>(stamp_ns - start_ns, 0);
  }
  controller_.begin_wait_report(doubt);
  if (notified) {
    controller_.ready(notifier_window_, notifier_delay);
  } else {
    controller_.not_ready(notifier_window_, slept);
  }
  const bool by_descriptor = handlers_.report(controller_, descriptor_delay) && !notified;
  controller_.end_wait_report();
  slept_for_descriptor_ns_ = by_descriptor ? slept : 0;
  publish_plan();
}

}  // namespace qomio::internal

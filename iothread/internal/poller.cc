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
  counters_[LoopStat::poll_window_ns].set(0);
}

void Poller::polled(std::int64_t start_ns, std::int64_t end_ns, bool hit) {
  counters_.times.poll.stop(end_ns);
  if (hit) {
    counters_[LoopStat::poll_hits].add(1);
    controller_.hit();
  } else {
    counters_[LoopStat::poll_misses].add(1);
    counters_[LoopStat::poll_miss_ns].add(static_cast<std::uint64_t>(end_ns - start_ns));
    controller_.miss();
  }
  counters_[LoopStat::poll_window_ns].set(static_cast<std::uint64_t>(controller_.window_ns()));
}

void Poller::sample_wakeup(std::int64_t cost_ns) {
  // Several loops may overwrite each other's samples here, which costs precision only.
  const std::int64_t all = wakeup_cost_of_all_ns.load(std::memory_order_relaxed);
  if (wakeup_cost_.mean_ns() == 0) wakeup_cost_ = WakeupCost(all);
  wakeup_cost_.sample(cost_ns);
  const std::int64_t mean = wakeup_cost_.mean_ns();
  counters_[LoopStat::wakeup_cost_ns].set(static_cast<std::uint64_t>(mean));
  wakeup_cost_of_all_ns.store(all == 0 ? mean : all + (mean - all) / 8, std::memory_order_relaxed);
}

void Poller::waited(std::int64_t start_ns, std::int64_t end_ns, bool notified, std::int64_t stamp_ns) {
  if (notified && stamp_ns != 0) sample_wakeup(end_ns - stamp_ns);
  if (controller_.params().poll_max_ns == 0) return;

  const std::int64_t slept = end_ns - start_ns;
  std::int64_t descriptor_delay = slept;
  std::int64_t notifier_delay = slept;
  if (controller_.params().poll_policy != PollPolicy::classic) {
    const std::int64_t own = wakeup_cost_.mean_ns();
    const std::int64_t cost = own != 0 ? own : wakeup_cost_of_all_ns.load(std::memory_order_relaxed);
    descriptor_delay = std::max<std::int64_t>(slept - cost, 0);
    if (stamp_ns != 0) notifier_delay = std::max<std::int64_t>(stamp_ns - start_ns, 0);
  }
  controller_.begin_wait_report();
  if (notified) {
    controller_.ready(notifier_window_, notifier_delay);
  } else {
    controller_.not_ready(notifier_window_, slept);
  }
  handlers_.report(controller_, descriptor_delay);
  controller_.end_wait_report();
  counters_[LoopStat::poll_window_ns].set(static_cast<std::uint64_t>(controller_.window_ns()));
}

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/timer.h"

#include "qomio/iothread/internal/timer_list.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace {

void check_not_empty(const internal::TimerNode* node) {
  debug_invariant([&] { return node != nullptr; },
                  "an empty Timer is armed; assign one to it that AioContext::timer() has returned");
}

}  // namespace

Timer::~Timer() {
  if (node_) node_->list.release(*node_);
}

void Timer::arm_at(std::int64_t deadline_ns) {
  check_not_empty(node_);
  node_->list.arm(*node_, deadline_ns, false);
}

void Timer::arm_after(std::chrono::nanoseconds delay) {
  check_not_empty(node_);
  std::int64_t deadline = 0;
  if (__builtin_add_overflow(clock_now_ns(node_->list.clock()), delay.count(), &deadline)) {
    deadline = delay.count() < 0 ? 0 : internal::TimerList::kNever;
  }
  arm_at(deadline);
}

void Timer::arm_no_later_than(std::int64_t deadline_ns) {
  check_not_empty(node_);
  node_->list.arm(*node_, deadline_ns, true);
}

void Timer::cancel() {
  if (node_) node_->list.cancel(*node_);
}

bool Timer::armed() const { return node_ && node_->list.armed(*node_); }

}  // namespace qomio

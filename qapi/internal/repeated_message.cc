// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/repeated_message.h"

#include <utility>

namespace qomio {

RepeatedMessage::RepeatedMessage(GMainContext* context, std::string what_was_repeated, GLogLevelFlags level,
                                 std::int64_t period_us)
    : context_(context), what_(std::move(what_was_repeated)), level_(level), period_us_(period_us) {}

RepeatedMessage::~RepeatedMessage() { log_count(); }

void RepeatedMessage::log(const std::string& line, std::uint64_t count) {
  if (in_period_) {
    more_ += count;
    return;
  }
  g_log("qomio", level_, "%s", line.c_str());
  in_period_ = true;
  if (!timer_) timer_.emplace(context_, [this] { period_ended(); });
  timer_->set_ready_time(g_get_monotonic_time() + period_us_);
}

void RepeatedMessage::period_ended() {
  in_period_ = more_ > 0;
  log_count();
  timer_->set_ready_time(in_period_ ? g_get_monotonic_time() + period_us_ : -1);
}

void RepeatedMessage::log_count() {
  const std::uint64_t more = std::exchange(more_, 0);
  if (more > 0) g_log("qomio", level_, "%" G_GUINT64_FORMAT " more %s", more, what_.c_str());
}

}  // namespace qomio

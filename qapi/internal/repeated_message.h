// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <glib.h>

#include <cstdint>
#include <optional>
#include <string>

#include "qomio/qapi/internal/qmp/g_source.h"

namespace qomio {

// A log message that clients can cause any number of times. The first is written at once. Messages in the
// period that follows are counted and reported in one line at its end, after which the next period begins.
// After a period without messages, the next message is written at once again.
//
//     RepeatedMessage refused(context, "QMP clients were refused");
//     refused.log("a QMP client was refused: ...");   // at most once in 5 s; then "172 more QMP clients ..."
//
// Thread: the one that runs the context. The destructor reports messages that are only counted so far.
class RepeatedMessage {
 public:
  static constexpr std::int64_t kPeriodUs = 5'000'000;

  RepeatedMessage(GMainContext* context, std::string what_was_repeated,
                  GLogLevelFlags level = G_LOG_LEVEL_MESSAGE, std::int64_t period_us = kPeriodUs);
  ~RepeatedMessage();

  // `line` reports `count` occurrences. Within a period it is not written; its count is added to the sum.
  void log(const std::string& line, std::uint64_t count = 1);

 private:
  void log_count();
  void period_ended();

  GMainContext* const context_;
  const std::string what_;
  const GLogLevelFlags level_;
  const std::int64_t period_us_;
  bool in_period_ = false;
  std::uint64_t more_ = 0;
  std::optional<FdSource> timer_;  // created with the first line, since most programs never need it
};

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <glib.h>

#include <cstdint>
#include <optional>
#include <string>

#include "qomio/qapi/internal/qmp/g_source.h"

namespace qomio {

// A line of the log that others can cause as often as they like. The first is written at once. What comes
// within the period after it is counted, and told in one line at the period's end, after which the next
// period begins; when nothing came in a period, the next one is a first again.
//
//     RepeatedMessage refused(context, "QMP clients were refused");
//     refused.log("a QMP client was refused: ...");   // at most once in 5 s; then "172 more QMP clients ..."
//
// Thread: the one that runs the context. What is counted at the end is still told.
class RepeatedMessage {
 public:
  static constexpr std::int64_t kPeriodUs = 5'000'000;

  RepeatedMessage(GMainContext* context, std::string what_was_repeated,
                  GLogLevelFlags level = G_LOG_LEVEL_MESSAGE, std::int64_t period_us = kPeriodUs);
  ~RepeatedMessage();

  // The line that tells of `count` things; later only their sum is told.
  void log(const std::string& line, std::uint64_t count = 1);

 private:
  void tell_more();
  void period_ended();

  GMainContext* const context_;
  const std::string what_;
  const GLogLevelFlags level_;
  const std::int64_t period_us_;
  bool in_period_ = false;
  std::uint64_t more_ = 0;
  std::optional<FdSource> timer_;  // made with the first line: most programs never need it
};

}  // namespace qomio

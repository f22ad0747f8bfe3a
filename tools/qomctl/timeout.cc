// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/timeout.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "qomio/qapi/text.h"

namespace qomio::qomctl {

Outcome<std::chrono::milliseconds> parse_timeout(std::string_view text) {
  constexpr double kMostSeconds = 1e6;
  const auto seconds = parse_number(text);
  if (!seconds || std::signbit(*seconds) || *seconds > kMostSeconds) {
    return fail(ExitStatus::usage, "--timeout expects seconds from 0 to 1000000, not '{}'", text);
  }
  if (*seconds == 0) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(std::max<std::int64_t>(1, std::llround(*seconds * 1000)));
}

}  // namespace qomio::qomctl

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string_view>

#include "qomio/tools/qomctl/failure.h"

namespace qomio::qomctl {

// Parses seconds such as 5, 0.25 or 1e3, rounded to milliseconds. Only 0 itself, which waits without limit,
// becomes 0. Errors: usage, unless the text is a number from 0 to 1000000.
Outcome<std::chrono::milliseconds> parse_timeout(std::string_view text);

}  // namespace qomio::qomctl

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string_view>

#include "qomio/tools/qomctl/failure.h"

namespace qomio::qomctl {

// Seconds as they are typed, such as 5, 0.25 or 1e3, rounded to milliseconds, but never to 0, which waits for
// ever. Errors: usage, for everything else than a number between 0 and 1000000.
Outcome<std::chrono::milliseconds> parse_timeout(std::string_view text);

}  // namespace qomio::qomctl

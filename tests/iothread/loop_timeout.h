// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "qomio/iothread/internal/loop.h"

namespace qomio {

// Returns how long the next iteration may sleep, in ns; 0: not at all; -1: without limit. Home thread only.
inline std::int64_t timeout_of(AioContext& loop) { return internal::Loop::of(loop).compute_timeout(); }

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/internal/running_call_mark.h"

namespace qomio::internal {

RunningCall RunningCallMark::get() const {
  // A reader that sees part of a later call finds a different number the second time.
  const std::uint64_t number = number_.load(std::memory_order_acquire);
  const char* const name = name_.load(std::memory_order_acquire);
  const std::uint64_t what = what_.load(std::memory_order_acquire);
  if (number % 2 != 0 || number_.load(std::memory_order_acquire) != number) return {.number = number};
  return {.kind = static_cast<RunningCall::Kind>(what >> 32),
          .name = name,
          .fd = static_cast<int>(static_cast<std::uint32_t>(what)),
          .number = number};
}

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>

#include "qomio/iothread/loop_stats.h"

namespace qomio::internal {

// Where a loop records what it calls, for other threads to read. A call costs four plain stores and no clock
// reading.
class RunningCallMark {
 public:
  // Home thread.
  void enter(RunningCall::Kind kind, const char* name, int fd = -1) {
    const std::uint64_t number = number_.load(std::memory_order_relaxed);
    number_.store(number + 1, std::memory_order_relaxed);
    what_.store(std::uint64_t{static_cast<std::uint32_t>(kind)} << 32 | static_cast<std::uint32_t>(fd),
                std::memory_order_release);
    name_.store(name, std::memory_order_release);
    number_.store(number + 2, std::memory_order_release);
  }
  // Home thread. Returns to the outer call, or to none.
  void leave(const RunningCall& outside) { enter(outside.kind, outside.name, outside.fd); }

  // Thread-safe. Returns kind none also if the loop makes another call meanwhile.
  RunningCall get() const;

 private:
  std::atomic<std::uint64_t> what_ = 0;  // the kind and the fd
  std::atomic<const char*> name_ = nullptr;
  std::atomic<std::uint64_t> number_ = 0;  // odd: the rest is being written
};

}  // namespace qomio::internal

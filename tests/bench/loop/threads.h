// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <ctime>

#include "qomio/tests/bench/loop/loop.h"

namespace qomio::bench {

// With two processors or more, the poster runs on 0 and the loop on 1, since the scheduler's choice would
// vary between runs.
void pin_self(int cpu);
void unpin_self();
void pin(const Loop& loop, int cpu);

// The CPU time of a loop's thread. Any thread may read it.
class LoopCpu {
 public:
  explicit LoopCpu(Loop& loop);
  std::int64_t used_ns() const;

 private:
  clockid_t clock_ = 0;
};

void pause_processor();
// Waits until a point in time by spinning; if `sleep` is set, sleeps first.
void wait_until(std::int64_t then_ns, bool sleep);

}  // namespace qomio::bench

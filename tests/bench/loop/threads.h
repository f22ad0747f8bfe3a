// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <ctime>

#include "qomio/tests/bench/loop/loop.h"

namespace qomio::bench {

// On machines with two processors or more, the poster's is 0 and the loop's is 1: where the scheduler would
// put them is a matter of luck.
void pin_self(int cpu);
void unpin_self();
void pin(const Loop& loop, int cpu);

// Processor time of a loop's thread, readable from any thread.
class LoopCpu {
 public:
  explicit LoopCpu(Loop& loop);
  std::int64_t used_ns() const;

 private:
  clockid_t clock_ = 0;
};

void pause_processor();
// Until a point in time: short waits spin, long ones sleep.
void wait_until(std::int64_t then_ns, bool sleep);

}  // namespace qomio::bench

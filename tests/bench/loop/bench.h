// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/tests/bench/loop/loop.h"
#include "qomio/tests/bench/results.h"

namespace qomio::bench {

// Measures a contender in one round; returns a value for each column.
using Measure = std::vector<double> (*)(const Contender& contender, const Effort& effort);

// The reference of every table: the lower limit for loops that block.
inline constexpr const char* kReference = "epoll";
// The contenders that are not other libraries.
inline const std::vector<std::string> kOwnContenders{"epoll", "mailbox", "qomio"};

struct Bench {
  std::vector<Contender> contenders;
  Effort effort;
  Goals& goals;
};

// The benchmarks. Each prints its tables and adds its goals.
void bench_latency(const Bench& bench);
void bench_two_loops(const Bench& bench);
void bench_descriptors(const Bench& bench);
void bench_throughput(const Bench& bench);
void bench_timers(const Bench& bench);
void bench_life(const Bench& bench);

}  // namespace qomio::bench

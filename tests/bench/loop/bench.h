// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/tests/bench/loop/loop.h"
#include "qomio/tests/bench/results.h"

namespace qomio::bench {

// Measures a contender once, as one round.
using Measure = std::vector<double> (*)(const Contender& contender, const Effort& effort);

// Of every table: the floor for a loop that blocks.
inline constexpr const char* kReference = "epoll";
// Those that are no library.
inline const std::vector<std::string> kOwnContenders{"epoll", "mailbox", "qomio"};

struct Bench {
  std::vector<Contender> contenders;
  Effort effort;
  Goals& goals;
};

// The work; each prints its tables and adds its goals.
void bench_latency(const Bench& bench);
void bench_two_loops(const Bench& bench);
void bench_descriptors(const Bench& bench);
void bench_throughput(const Bench& bench);
void bench_timers(const Bench& bench);
void bench_life(const Bench& bench);

}  // namespace qomio::bench

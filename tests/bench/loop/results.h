// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "qomio/tests/bench/goals.h"
#include "qomio/tests/bench/loop/loop.h"

namespace qomio::bench {

// How much is done: the whole, or as little as shows that it works.
struct Effort {
  bool quick = false;
  int rounds() const { return quick ? 1 : 7; }
  int operator()(int whole, int least) const { return quick ? least : whole; }
};

// One piece of work: a row for each contender, several columns, a value for each round.
class Table {
 public:
  Table(std::string title, std::vector<std::string> columns)
      : title_(std::move(title)), columns_(std::move(columns)) {}

  void add(const std::string& contender, std::vector<double> values);
  // Over the rounds; not a number for a contender that did not take part.
  double median(const std::string& contender, std::size_t column = 0) const;
  // Of a contender to epoll: the median of what each round says, since noise meets neighbours alike.
  double ratio(const std::string& contender, std::size_t column = 0) const;
  // The largest (or smallest) median of the libraries.
  double best_of_libraries(bool largest, std::size_t column = 0) const;
  // As a table: medians, and for the first column the spread of the rounds and the ratio.
  void print() const;

 private:
  struct Row {
    std::string contender;
    std::vector<std::vector<double>> rounds;
  };
  const Row* find(const std::string& contender) const;

  std::string title_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

// Sorts, and returns the value that this share of them is not above.
double percentile(std::vector<std::int64_t>& samples, double share);

// Measures a contender once, as one round.
using Measure = std::vector<double> (*)(const Contender& contender, const Effort& effort);

// --- the work; each prints its tables and adds its goals ---

struct Bench {
  std::vector<Contender> contenders;
  Effort effort;
  Goals& goals;
};

void bench_latency(const Bench& bench);
void bench_two_loops(const Bench& bench);
void bench_descriptors(const Bench& bench);
void bench_throughput(const Bench& bench);
void bench_timers(const Bench& bench);
void bench_life(const Bench& bench);

// --- threads ---

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

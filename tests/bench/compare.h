// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace qomio::bench {

// One way to do a piece of work: `run` does it `count` times.
struct Contender {
  std::string name;
  std::function<void(std::int64_t count)> run;
};

// Measures the contenders in turn, round after round, so that noise of the machine meets them alike; prints
// the median of each in ns, its spread (10th and 90th percentile), and its ratio to the first one: the median
// of what each round says. Returns the ratios, by name.
std::map<std::string, double> compare(const std::string& work, const std::vector<Contender>& contenders);

// Keeps the compiler from dropping a value that nobody uses.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace qomio::bench

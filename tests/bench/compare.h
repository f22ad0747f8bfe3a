// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace qomio::bench {

// A way to do a piece of work; `run` does it `count` times.
struct Contender {
  std::string name;
  std::function<void(std::int64_t count)> run;
};

// Measures the contenders in turn, in many rounds, so that noise of the machine affects all of them. Prints
// the median of each in ns, its 10th and 90th percentile, and its ratio to the first contender, which is the
// median of the ratios within each round. Returns the ratios, by name.
std::map<std::string, double> compare(const std::string& work, const std::vector<Contender>& contenders);

// Keeps the compiler from removing an unused value.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace qomio::bench

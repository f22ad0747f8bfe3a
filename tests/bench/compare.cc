// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace qomio::bench {
namespace {

constexpr int kRounds = 31;
constexpr std::chrono::milliseconds kRoundTime(4);

double measure(const Contender& contender, std::int64_t count) {
  const auto start = std::chrono::steady_clock::now();
  contender.run(count);
  const auto end = std::chrono::steady_clock::now();
  return std::chrono::duration<double, std::nano>(end - start).count();
}

// Returns how often a round repeats the work, so that the cost of reading the clock is negligible.
std::int64_t calibrate(const Contender& contender) {
  for (std::int64_t count = 1;; count *= 4) {
    const double ns = measure(contender, count);
    const auto wanted = static_cast<double>(std::chrono::nanoseconds(kRoundTime).count());
    if (ns > wanted / 8) return std::max<std::int64_t>(1, static_cast<std::int64_t>(count * wanted / ns));
  }
}

double percentile(std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

std::map<std::string, double> compare(const std::string& work, const std::vector<Contender>& contenders) {
  std::vector<std::int64_t> counts;
  for (const auto& contender : contenders) counts.push_back(calibrate(contender));
  std::vector<std::vector<double>> samples(contenders.size());
  std::vector<std::vector<double>> ratios(contenders.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      samples[i].push_back(measure(contenders[i], counts[i]) / static_cast<double>(counts[i]));
      ratios[i].push_back(samples[i].back() / samples[0].back());
    }
  }
  std::map<std::string, double> to_first;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::ranges::sort(samples[i]);
    std::ranges::sort(ratios[i]);
    const double ratio = percentile(ratios[i], 0.5);
    to_first[contenders[i].name] = ratio;
    fmt::print("| {:<30} | {:<9} | {:>9.2f} | {:>7.2f} .. {:<8.2f} | {:>6.2f} |\n", work, contenders[i].name,
               percentile(samples[i], 0.5), percentile(samples[i], 0.1), percentile(samples[i], 0.9), ratio);
  }
  return to_first;
}

}  // namespace qomio::bench

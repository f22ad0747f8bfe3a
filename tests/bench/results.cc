// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/results.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace qomio::bench {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double median_of(std::vector<double> values) {
  if (values.empty()) return kNone;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

std::string shown(double value) {
  if (std::isnan(value)) return "-";
  if (value == 0 || std::abs(value) >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

}  // namespace

void Table::add(const std::string& contender, std::vector<double> values) {
  auto row = std::ranges::find(rows_, contender, &Row::contender);
  if (row == rows_.end()) row = rows_.insert(rows_.end(), {contender, {}});
  row->rounds.push_back(std::move(values));
}

const Table::Row* Table::find(const std::string& contender) const {
  const auto row = std::ranges::find(rows_, contender, &Row::contender);
  return row == rows_.end() ? nullptr : &*row;
}

double Table::median(const std::string& contender, std::size_t column) const {
  const Row* const row = find(contender);
  if (!row) return kNone;
  std::vector<double> values;
  values.reserve(row->rounds.size());
  for (const auto& round : row->rounds) values.push_back(round[column]);
  return median_of(values);
}

double Table::ratio(const std::string& contender, std::size_t column) const {
  const Row* const row = find(contender);
  const Row* const floor = find(reference_);
  if (!row || !floor) return kNone;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(row->rounds.size(), floor->rounds.size()); ++i) {
    ratios.push_back(row->rounds[i][column] / floor->rounds[i][column]);
  }
  return median_of(ratios);
}

double Table::best_except(const std::vector<std::string>& left_out, bool largest, std::size_t column) const {
  double best = kNone;
  for (const Row& row : rows_) {
    if (std::ranges::find(left_out, row.contender) != left_out.end()) continue;
    const double value = median(row.contender, column);
    if (std::isnan(best) || (largest ? value > best : value < best)) best = value;
  }
  return best;
}

void Table::print() const {
  fmt::print("\n### {}\n\n| with |", title_);
  for (const auto& column : columns_) fmt::print(" {} |", column);
  fmt::print(" rounds, {} | to {} |\n|---|", columns_[0], reference_);
  for (std::size_t i = 0; i < columns_.size() + 2; ++i) fmt::print("--:|");
  fmt::print("\n");
  for (const Row& row : rows_) {
    fmt::print("| {} |", row.contender);
    for (std::size_t i = 0; i < columns_.size(); ++i) fmt::print(" {} |", shown(median(row.contender, i)));
    const auto [least, most] =
        std::ranges::minmax_element(row.rounds, {}, [](auto& round) { return round[0]; });
    fmt::print(" {} .. {} | {} |\n", shown((*least)[0]), shown((*most)[0]), shown(ratio(row.contender)));
  }
  (void)std::fflush(stdout);
}

void Goals::at_most(std::string what, double measured, double wanted, std::string limit) {
  goals_.push_back({std::move(what), std::move(limit), measured, wanted, true});
}

void Goals::at_least(std::string what, double measured, double wanted, std::string limit) {
  goals_.push_back({std::move(what), std::move(limit), measured, wanted, false});
}

void Goals::print() const {
  fmt::print("\n### Goals\n\n| what | goal | measured | met | what limits it |\n|---|--:|--:|---|---|\n");
  for (const Goal& goal : goals_) {
    const bool met = goal.at_most ? goal.measured <= goal.wanted : goal.measured >= goal.wanted;
    // The factor by which a goal is missed.
    const double factor = goal.at_most ? goal.measured / goal.wanted : goal.wanted / goal.measured;
    const std::string verdict = std::isnan(goal.measured) ? "not measured"
                                : met                     ? "yes"
                                : goal.wanted == 0        ? "no"
                                                          : fmt::format("no, {:.2f} ×", factor);
    fmt::print("| {} | {} {} | {} | {} | {} |\n", goal.what, goal.at_most ? "≤" : "≥", shown(goal.wanted),
               shown(goal.measured), verdict, met || std::isnan(goal.measured) ? "" : goal.limit);
  }
}

double percentile(std::vector<std::int64_t>& samples, double share) {
  if (samples.empty()) return kNone;
  std::ranges::sort(samples);
  return static_cast<double>(
      samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))]);
}

}  // namespace qomio::bench

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/goals.h"

#include <fmt/core.h>

#include <cmath>
#include <utility>

namespace qomio::bench {

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
    // By how much: the distance as a factor.
    const double factor = goal.at_most ? goal.measured / goal.wanted : goal.wanted / goal.measured;
    const std::string verdict = met ? "yes" : goal.wanted == 0 ? "no" : fmt::format("no, {:.2g} ×", factor);
    fmt::print("| {} | {} {} | {} | {} | {} |\n", goal.what, goal.at_most ? "≤" : "≥", shown(goal.wanted),
               shown(goal.measured), verdict, met ? "" : goal.limit);
  }
}

std::string shown(double value) {
  if (std::isnan(value)) return "-";
  if (value == 0 || std::abs(value) >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

}  // namespace qomio::bench

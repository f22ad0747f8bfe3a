// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/suggestion.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace qomio::qomctl {

namespace {

// Returns how many letters must be inserted, deleted or replaced to turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view typed, const std::vector<std::string>& names) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, typed.size() / 3) + 1;
  for (const auto& name : names) {
    const bool begins = typed.size() >= 3 && name.size() > typed.size() && name.starts_with(typed);
    const std::size_t distance = begins ? 1 : edit_distance(typed, name);
    if (distance > 0 && distance < best_distance) best = name, best_distance = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names) {
  const std::string name = nearest(typed, names);
  return name.empty() ? "" : fmt::format("; did you mean '{}'?", name);
}

}  // namespace qomio::qomctl

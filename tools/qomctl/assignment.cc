// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/assignment.h"

namespace qomio::qomctl {

Outcome<std::vector<Assignment>> parse_assignments(std::span<const std::string> words) {
  std::vector<Assignment> assignments;
  for (const auto& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ExitStatus::usage, "'{}' is not of the form KEY=VALUE", word);
    }
    assignments.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  return assignments;
}

}  // namespace qomio::qomctl

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>
#include <vector>

#include "qomio/tools/qomctl/failure.h"

namespace qomio::qomctl {

// One key=value of the command line.
struct Assignment {
  std::string key;
  std::string value;
};

// Splits each word at its first '='. Errors: usage, naming the word that has none or nothing before it.
Outcome<std::vector<Assignment>> parse_assignments(std::span<const std::string> words);

}  // namespace qomio::qomctl

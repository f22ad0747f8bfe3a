// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "qomio/tools/qomctl/failure.h"

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// One key=value of the command line.
struct Assignment {
  std::string key;
  std::string value;
};

// Splits each word at its first '='. Errors: usage, for a word without '=' or with nothing before it.
Outcome<std::vector<Assignment>> parse_assignments(std::span<const std::string> words);

// Returns the assignments as an object for a server that reads text. As with qomiod's --object, the last of
// equal keys wins, and a key with dots is a path into a structure: rules.0.policy=deny. Errors: usage, if
// such keys contradict each other.
Outcome<Json> text_members(std::span<const Assignment> assignments);

// The same, but a dot in a key has no special meaning.
Json names_and_values(std::span<const Assignment> assignments);

}  // namespace qomio::qomctl

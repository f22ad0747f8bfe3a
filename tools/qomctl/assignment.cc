// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/assignment.h"

#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"

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

Json names_and_values(std::span<const Assignment> assignments) {
  Json members = Json::object();
  for (const auto& [key, value] : assignments) members[key] = value;
  return members;
}

Outcome<Json> text_members(std::span<const Assignment> assignments) {
  Json members = Json::object();
  std::string nested;  // the keys with dots, written as one command-line option
  for (const auto& [key, value] : assignments) {
    if (key.find('.') == std::string::npos) {
      members[key] = value;
      continue;
    }
    nested += nested.empty() ? "" : ",";
    nested += key + "=";
    for (const char c : value) nested.append(c == ',' ? 2 : 1, c);
  }
  auto structures = parse_keyval(nested, {}, KeyvalHelp::NotTaken);
  if (!structures) return fail(ExitStatus::usage, "{}", structures.error().message());
  for (auto& [key, value] : structures->values.items()) {
    if (members.contains(key)) return fail(ExitStatus::usage, "Parameters '{}.*' used inconsistently", key);
    members[key] = std::move(value);
  }
  return members;
}

}  // namespace qomio::qomctl

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/json_member.h"

#include "qomio/qapi/json.h"

namespace qomio::qomctl {

const Json& json_member(const Json& value, const char* key) {
  static const Json none;
  if (!value.is_object()) return none;
  const auto found = value.find(key);
  return found == value.end() ? none : *found;
}

std::string string_member(const Json& value, const char* key) {
  const Json& member = json_member(value, key);
  return member.is_string() ? member.get<std::string>() : std::string();
}

}  // namespace qomio::qomctl

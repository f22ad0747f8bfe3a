// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// Returns a member of a value that a server sent; null if the value is not an object or has no such member.
// Valid as long as the value.
const Json& json_member(const Json& value, const char* key);

// The same for a string; "" if the member is not a string.
std::string string_member(const Json& value, const char* key);

}  // namespace qomio::qomctl

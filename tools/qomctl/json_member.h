// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace qomio::qomctl {

using Json = nlohmann::ordered_json;

// The member of a value that a server sent, of whatever kind both are; null where there is none. Lives as
// long as the value.
const Json& json_member(const Json& value, const char* key);

// The same as text; "" for what is no string.
std::string string_member(const Json& value, const char* key);

}  // namespace qomio::qomctl

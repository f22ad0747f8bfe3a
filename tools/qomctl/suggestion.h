// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qomio::qomctl {

// Returns the name nearest to the typed word; "" if none is near. A name is near if it begins with the word,
// which must have three letters or more, or if they differ in one letter or at most a third of the letters.
std::string nearest(std::string_view typed, const std::vector<std::string>& names);

// Returns "; did you mean 'set'?", or "" if no name is near.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names);

}  // namespace qomio::qomctl

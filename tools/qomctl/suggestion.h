// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qomio::qomctl {

// The name nearest to what was typed, or "" when none is near: at most a third of its letters may differ.
std::string nearest(std::string_view typed, const std::vector<std::string>& names);

// "; did you mean 'set'?", or "" when no name is near.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names);

}  // namespace qomio::qomctl

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace qomio::qomctl {

// Makes text from a server safe to print on a terminal, on one line. ASCII control characters, including
// newlines, and bytes that are not UTF-8 become \xNN. Other control characters, and characters that change
// the direction of writing, break lines or are invisible, become \uNNNN. All other text stays unchanged.
std::string printable(std::string_view text);

}  // namespace qomio::qomctl

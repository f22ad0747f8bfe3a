// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace qomio::qomctl {

// The text for a terminal, which what a server sends must not drive: control characters and bytes that are no
// UTF-8 become \xNN; characters that turn the direction of writing, or break lines, become \uNNNN. All other
// text stays as it is. One line: a newline is a control character, too.
std::string printable(std::string_view text);

}  // namespace qomio::qomctl

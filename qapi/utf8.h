// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace qomio {

// U+FEFF, which some programs put in front of what they save.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// What stands at the start of a text: a character and its length in bytes; or a negative code for bytes that
// are no character, and the length of what one replacement character stands for.
struct Utf8Character {
  std::int32_t code;
  std::size_t length;
};

// Surrogates, overlong forms, non-characters and codes above U+10FFFF are no characters; the two bytes c0 80
// are U+0000 nevertheless. The text isn't empty.
Utf8Character utf8_decode(std::string_view text);

// Non-characters (U+FDD0..U+FDEF, the last two of each plane), surrogates and what is above U+10FFFF aren't
// valid.
bool is_unicode_character(std::uint32_t code);

void utf8_append(std::string& out, std::uint32_t code);

// The longest beginning of the text that has at most so many bytes and ends in no half of a character.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes);

}  // namespace qomio

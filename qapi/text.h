// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Text: its characters, and the numbers and switches that people type.
namespace qomio {

// --- Characters ---

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

// --- Values ---

// Numbers and switches as people type them on a command line. All return nothing for text that is not wholly
// a value of the kind: leading blanks are allowed, anything behind the value is not.

// Decimal, 0x hexadecimal or 0 octal, with an optional sign: -2^63 .. 2^63-1.
std::optional<std::int64_t> parse_int64(std::string_view text);
// The same up to 2^64-1; a negative number wraps around (-1 is 2^64-1).
std::optional<std::uint64_t> parse_uint64(std::string_view text);
// Bytes: a decimal number with a suffix B, K, M, G, T, P or E in either case (K is 1024), or a hexadecimal
// one without; 0 in front is decimal. Exact when whole, rounded down to a byte otherwise; only a number with
// a suffix other than B may be broken. Below 2^64, without a minus sign.
std::optional<std::uint64_t> parse_size(std::string_view text);
// A finite number.
std::optional<double> parse_number(std::string_view text);
// on, yes, true, y / off, no, false, n.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// UTF-8 characters, and the numbers and switches that people type.
namespace qomio {

// --- Characters ---

// U+FEFF, which some programs write at the start of a file.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// The character at the start of a text and its length in bytes. If the bytes there are not a character, the
// code is negative and the length is that of the bytes that one replacement character stands for.
struct Utf8Character {
  std::int32_t code;
  std::size_t length;
};

// Surrogates, overlong forms, non-characters and codes above U+10FFFF are not characters, but the two bytes
// c0 80 are U+0000. The text must not be empty.
Utf8Character utf8_decode(std::string_view text);

// Returns false for non-characters (U+FDD0..U+FDEF, the last two of each plane), surrogates and codes above
// U+10FFFF.
bool is_unicode_character(std::uint32_t code);

void utf8_append(std::string& out, std::uint32_t code);

// Returns the longest prefix of at most max_bytes bytes that does not end within a character.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes);

// --- Values ---

// Numbers and switches as people type them on a command line. The functions return nullopt unless the whole
// text is a value of the kind. Leading whitespace is allowed, except by parse_bool().

// Decimal, hexadecimal with 0x, or octal with a leading 0, with an optional sign: -2^63 .. 2^63-1.
std::optional<std::int64_t> parse_int64(std::string_view text);
// The same up to 2^64-1; a negative number wraps around (-1 is 2^64-1).
std::optional<std::uint64_t> parse_uint64(std::string_view text);
// A size in bytes: a decimal number with an optional suffix B, K, M, G, T, P or E in either case (K is 1024),
// or a hexadecimal number without a suffix. A leading 0 does not mean octal. A non-zero fraction needs a
// suffix other than B; the result is rounded down to whole bytes. Sizes are below 2^64 and have no minus
// sign.
std::optional<std::uint64_t> parse_size(std::string_view text);
// A finite number.
std::optional<double> parse_number(std::string_view text);
// on, yes, true, y / off, no, false, n.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace qomio

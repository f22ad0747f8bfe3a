// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace qomio {

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

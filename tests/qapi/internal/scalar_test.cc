// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace qomio {
namespace scalar_test {

constexpr std::uint64_t kKiB = 1024;
constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr std::uint64_t kUint64Max = std::numeric_limits<std::uint64_t>::max();

TEST(ScalarTest, int64_accepts_its_limits_and_nothing_beyond) {
  EXPECT_EQ(parse_int64("9223372036854775807"), kInt64Max);
  EXPECT_EQ(parse_int64("-9223372036854775808"), kInt64Min);
  EXPECT_EQ(parse_int64("9223372036854775808"), std::nullopt);
  EXPECT_EQ(parse_int64("-9223372036854775809"), std::nullopt);
  EXPECT_EQ(parse_int64("18446744073709551615"), std::nullopt);
  EXPECT_EQ(parse_int64("0x7fffffffffffffff"), kInt64Max);
  EXPECT_EQ(parse_int64("0x8000000000000000"), std::nullopt);
  EXPECT_EQ(parse_int64("-0x8000000000000000"), kInt64Min);
  EXPECT_EQ(parse_int64("0777777777777777777777"), kInt64Max);
  EXPECT_EQ(parse_int64("01000000000000000000000"), std::nullopt);
}

TEST(ScalarTest, uint64_accepts_its_limits_and_wraps_below_zero) {
  EXPECT_EQ(parse_uint64("0"), 0U);
  EXPECT_EQ(parse_uint64("18446744073709551615"), kUint64Max);
  EXPECT_EQ(parse_uint64("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_uint64("-1"), kUint64Max);
  EXPECT_EQ(parse_uint64("-9223372036854775808"), std::uint64_t{1} << 63);
  EXPECT_EQ(parse_uint64("-18446744073709551615"), 1U);
  EXPECT_EQ(parse_uint64("-18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_uint64("0xffffffffffffffff"), kUint64Max);
  EXPECT_EQ(parse_uint64("0x10000000000000000"), std::nullopt);
  EXPECT_EQ(parse_uint64("01777777777777777777777"), kUint64Max);
  EXPECT_EQ(parse_uint64("02000000000000000000000"), std::nullopt);
}

TEST(ScalarTest, a_prefix_selects_the_base) {
  EXPECT_EQ(parse_int64("0x10"), 16);
  EXPECT_EQ(parse_int64("0XfF"), 255);
  EXPECT_EQ(parse_int64("-0x10"), -16);
  EXPECT_EQ(parse_int64("010"), 8);
  EXPECT_EQ(parse_int64("-010"), -8);
  EXPECT_EQ(parse_int64("00"), 0);
  EXPECT_EQ(parse_int64("08"), std::nullopt) << "8 is no octal digit";
}

TEST(ScalarTest, an_integer_may_have_a_sign_and_leading_blanks) {
  EXPECT_EQ(parse_int64("+5"), 5);
  EXPECT_EQ(parse_int64("-0"), 0);
  EXPECT_EQ(parse_int64(" 5"), 5);
  EXPECT_EQ(parse_int64("\t\n\v\f\r -5"), -5);
  EXPECT_EQ(parse_uint64(" +5"), 5U);
}

TEST(ScalarTest, text_that_is_not_entirely_an_integer_is_refused) {
  for (const char* text : {"",    " ",     "-",    "+",   "+-5", "--5",   "- 5",   "5 ",      "5x",
                           "1e3", "1.5",   "1.",   "32k", "1-3", "0x",    "0xg",   "0x-1",    "0x 1",
                           "0b1", "\"5\"", "3.14", "on",  "5,",  "1_000", "0x1p3", "infinity"}) {
    EXPECT_EQ(parse_int64(text), std::nullopt) << text;
    EXPECT_EQ(parse_uint64(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_int64(std::string_view("5\0", 2)), std::nullopt);
}

TEST(ScalarTest, every_size_suffix_is_a_power_of_1024_in_either_case) {
  std::uint64_t factor = 1;
  for (const char suffix : std::string("BKMGTPE")) {
    const char lower = static_cast<char>(suffix + ('a' - 'A'));
    EXPECT_EQ(parse_size(std::string("1") + suffix), factor) << suffix;
    EXPECT_EQ(parse_size(std::string("1") + lower), factor) << lower;
    EXPECT_EQ(parse_size(std::string("15") + suffix), 15 * factor) << suffix;
    factor *= kKiB;
  }
  for (const char* text : {"1Ki", "1KB", "1kb", "1Gi", "1Z", "1 K", "K", "1KK", "1K ", "1\x0b"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(ScalarTest, whole_sizes_are_exact_to_64_bits) {
  EXPECT_EQ(parse_size("9007199254740991"), (std::uint64_t{1} << 53) - 1);
  EXPECT_EQ(parse_size("9007199254740993"), (std::uint64_t{1} << 53) + 1) << "no double holds this one";
  EXPECT_EQ(parse_size("9223372036854775807"), (std::uint64_t{1} << 63) - 1);
  EXPECT_EQ(parse_size("9223372036854775808"), std::uint64_t{1} << 63);
  EXPECT_EQ(parse_size("9223372036854775809"), (std::uint64_t{1} << 63) + 1);
  EXPECT_EQ(parse_size("18446744073709551615"), kUint64Max);
  EXPECT_EQ(parse_size("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_size("8E"), std::uint64_t{1} << 63);
  EXPECT_EQ(parse_size("15E"), std::uint64_t{15} << 60);
  EXPECT_EQ(parse_size("16E"), std::nullopt);
  EXPECT_EQ(parse_size("18014398509481983K"), std::uint64_t{18014398509481983} * kKiB);
  EXPECT_EQ(parse_size("18014398509481984K"), std::nullopt);
}

TEST(ScalarTest, a_fraction_of_a_size_unit_is_rounded_down_to_bytes) {
  EXPECT_EQ(parse_size("1.5M"), 3 * kKiB * kKiB / 2);
  EXPECT_EQ(parse_size("0.5k"), 512U);
  EXPECT_EQ(parse_size("1.5E"), std::uint64_t{3} << 59);
  EXPECT_EQ(parse_size("15.9999999999E"), 18446744073594259465U);
  EXPECT_EQ(parse_size("9.3E"), 10722169992843676876U) << "to the byte, which a double can not hold";
  EXPECT_EQ(parse_size("0.00000001k"), 0U);
  EXPECT_EQ(parse_size("2.9999999999999999999999K"), 3071U) << "rounded down";
  EXPECT_EQ(parse_size("2.0"), 2U);
  EXPECT_EQ(parse_size("2.000B"), 2U);
  EXPECT_EQ(parse_size("1."), 1U);
  EXPECT_EQ(parse_size("1.k"), kKiB);
  for (const char* text : {"1.5", "1.5B", "1.5b", ".5k", "4.5.1k", "1,5k", "1.5e1k"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(ScalarTest, sizes_are_decimal_even_with_a_leading_zero_or_hexadecimal) {
  EXPECT_EQ(parse_size("010"), 10U);
  EXPECT_EQ(parse_size("08"), 8U);
  EXPECT_EQ(parse_size("010k"), 10 * kKiB);
  EXPECT_EQ(parse_size("0x10"), 16U);
  EXPECT_EQ(parse_size("0X1E"), 30U) << "a digit, not a suffix";
  EXPECT_EQ(parse_size("0xffffffffffffffff"), kUint64Max);
  EXPECT_EQ(parse_size(" 5"), 5U);
  EXPECT_EQ(parse_size("+5"), 5U);
  for (const char* text : {"", " ", "-1", "-0", "+", "+-5", "5 ", "x", "1e3", "0x", "0x10k", "0x1.8",
                           "0x1.8k", "0x-1", "inf", "nan"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(ScalarTest, numbers_are_finite_decimals) {
  EXPECT_EQ(parse_number("0"), 0.0);
  EXPECT_EQ(parse_number("-1.5"), -1.5);
  EXPECT_EQ(parse_number("+2"), 2.0);
  EXPECT_EQ(parse_number(" 1e3"), 1000.0);
  EXPECT_EQ(parse_number("1E-2"), 0.01);
  EXPECT_EQ(parse_number("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_TRUE(std::signbit(*parse_number("-0")));
  for (const char* text : {"", " ", "1e400", "-1e400", "inf", "-inf", "infinity", "nan", "1.5 ", "1.5x",
                           "+-1", "++1", "e5", "1e", "0x10", "on"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(ScalarTest, booleans_have_four_words_for_each_value) {
  for (const char* text : {"on", "yes", "true", "y"}) EXPECT_EQ(parse_bool(text), true) << text;
  for (const char* text : {"off", "no", "false", "n"}) EXPECT_EQ(parse_bool(text), false) << text;
  for (const char* text : {"", "ON", "True", "1", "0", " on", "on ", "t", "enable"}) {
    EXPECT_EQ(parse_bool(text), std::nullopt) << text;
  }
}

}  // namespace scalar_test
}  // namespace qomio

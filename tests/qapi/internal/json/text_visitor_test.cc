// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/text_visitor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/every_kind.h"

namespace qomio {
namespace text_visitor_test {

using sample::Colour;
using sample::Leaf;

using Integers = std::vector<std::int64_t>;

template <class T>
std::string for_people(const T& value) {
  return to_text(value, TextVisitor::Form::for_people);
}

TEST(TextVisitorTest, scalars_are_written_as_one_would_type_them) {
  EXPECT_EQ(to_text(std::int64_t{-5}), "-5");
  EXPECT_EQ(to_text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(to_text(Size{4096}), "4096");
  EXPECT_EQ(to_text(true), "true");
  EXPECT_EQ(to_text(0.25), "0.25");
  EXPECT_EQ(to_text(std::string("two words")), "two words");
  EXPECT_EQ(to_text(Colour::green), "green");
  EXPECT_EQ(to_text(nullptr), "null");
  EXPECT_EQ(to_text(Json("free")), "free");
}

TEST(TextVisitorTest, consecutive_integers_of_a_list_are_written_as_a_range) {
  EXPECT_EQ(to_text(Integers{}), "");
  EXPECT_EQ(to_text(Integers{7}), "7");
  EXPECT_EQ(to_text(Integers{1, 2, 3, 5}), "1-3,5");
  EXPECT_EQ(to_text(Integers{3, 2, 1, 1}), "3,2,1,1");
  EXPECT_EQ(to_text(Integers{-2, -1, 0}), "-2-0");
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(to_text(Integers{kMost, std::numeric_limits<std::int64_t>::min()}),
            "9223372036854775807,-9223372036854775808");
  EXPECT_EQ(to_text(std::vector<std::uint8_t>{0, 1, 255}), "0-1,255");
  EXPECT_EQ(to_text(std::vector<std::string>{"a", "b"}), "a,b");
}

TEST(TextVisitorTest, values_that_plain_text_can_not_express_are_written_as_json) {
  const Leaf leaf{.name = "x", .weight = 3, .is_green = false};
  const std::string json = R"({"name": "x", "weight": 3, "is-green": false})";
  EXPECT_EQ(to_text(leaf), json);
  EXPECT_EQ(to_text(std::vector{leaf, leaf}), "[" + json + ", " + json + "]");
  EXPECT_EQ(to_text(std::vector<Integers>{{1, 2}, {}}), "[[1, 2], []]");
  EXPECT_EQ(to_text(Json{{"a", 1}}), R"({"a": 1})");
  EXPECT_EQ(to_text(Json::array({1, "a"})), R"([1, "a"])");
  EXPECT_EQ(to_text(std::vector<Json>{1, "a"}), R"([1, "a"])");
  EXPECT_EQ(to_text(std::vector<Json>{"b", "a"}), "b,a");
}

TEST(TextVisitorTest, strings_that_a_plain_list_would_split_are_written_as_json) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(to_text(Strings{"a,b"}), R"(["a,b"])");
  EXPECT_EQ(to_text(Strings{""}), R"([""])");
  EXPECT_EQ(to_text(Strings{"", ""}), ",");
  EXPECT_EQ(to_text(Strings{"[1]", "x"}), R"(["[1]", "x"])");
  EXPECT_EQ(to_text(Strings{"x", "[1]"}), "x,[1]");
  EXPECT_EQ(for_people(Strings{"a,b", "[c"}), R"("a,b","[c")");
}

TEST(TextVisitorTest, a_range_may_end_at_the_greatest_number) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  using Unsigned = std::vector<std::uint64_t>;
  EXPECT_EQ(to_text(Unsigned{kMost, 0}), "18446744073709551615,0");
  EXPECT_EQ(to_text(Unsigned{kMost - 1, kMost}), "18446744073709551614-18446744073709551615");
  EXPECT_EQ(to_text(Unsigned{(std::uint64_t{1} << 63) - 1, std::uint64_t{1} << 63}),
            "9223372036854775807-9223372036854775808");
}

TEST(TextVisitorTest, the_form_for_people_quotes_strings_and_shows_numbers_in_a_second_form) {
  EXPECT_EQ(for_people(std::int64_t{32768}), "32768 (0x8000)");
  EXPECT_EQ(for_people(std::int64_t{-1}), "-1 (0xffffffffffffffff)");
  EXPECT_EQ(for_people(Size{4096}), "4096 (4 KiB)");
  EXPECT_EQ(for_people(Size{1}), "1 (1 B)");
  EXPECT_EQ(for_people(Size{std::numeric_limits<std::uint64_t>::max()}), "18446744073709551615 (16 EiB)");
  EXPECT_EQ(for_people(std::string("a \"b\"")), R"("a \"b\"")");
  EXPECT_EQ(for_people(Integers{1, 2}), "1 (0x1)-2 (0x2)");
}

TEST(TextVisitorTest, the_plain_form_is_read_back) {
  const auto read_back = []<class T>(const T& value) {
    const std::string text = to_text(value);
    InputVisitor visitor{std::string_view(text)};
    T read{};
    return visit(visitor, "x", read).has_value() && equal(read, value);
  };
  EXPECT_TRUE(read_back(Integers{1, 2, 3, 5, 7, 8, -9, -2, -1, 0}));
  EXPECT_TRUE(read_back(std::vector<std::uint16_t>{65534, 65535}));
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(read_back(std::vector<std::uint64_t>{kMost, 0, kMost - 1, kMost, kMost / 2, kMost / 2 + 1}));
  EXPECT_TRUE(read_back(std::vector<std::string>{"a,b"}));
  EXPECT_TRUE(read_back(std::vector<std::string>{""}));
  Integers many(InputVisitor::kMaxRange + 1);
  std::iota(many.begin(), many.end(), -5);
  EXPECT_TRUE(read_back(many)) << "more than ranges may stand for";
  EXPECT_TRUE(read_back(std::vector<std::string>{"a", "b c"}));
  EXPECT_TRUE(read_back(std::numeric_limits<std::int64_t>::min()));
  EXPECT_TRUE(read_back(Size{(std::uint64_t{1} << 53) + 1}));
  EXPECT_TRUE(read_back(0.1));
  EXPECT_TRUE(read_back(false));
  EXPECT_TRUE(read_back(Colour::blue));
  EXPECT_TRUE(read_back(std::string("1-3")));
}

// Reads a list of T from text, as on a command line. Returns it as JSON text, or the error message.
template <class T>
std::string read_list(std::string_view text) {
  InputVisitor visitor(text);
  std::vector<T> read;
  const auto r = visit(visitor, "x", read);
  return r ? json_text(to_json(read)) : r.error().message();
}

TEST(TextVisitorTest, a_list_may_be_written_as_json) {
  EXPECT_EQ(read_list<std::string>(R"(["a,b", 'c'])"), R"(["a,b", "c"])");
  EXPECT_EQ(read_list<std::string>("[::1],[a"), R"(["[::1]", "[a"])") << "no JSON: split as ever";
  EXPECT_EQ(read_list<std::string>("[1]"), "Invalid parameter type for 'x[0]', expected: string");
  EXPECT_EQ(read_list<std::int64_t>("[1, 2]"), "[1, 2]");
  EXPECT_EQ(read_list<std::int64_t>("[1-2]"), "Parameter 'x.0' expects integer");
  EXPECT_EQ(read_list<std::int64_t>("[]"), "[]");
  EXPECT_EQ(read_list<Leaf>(R"([{"name": "x", "weight": 3}])"),
            R"([{"name": "x", "weight": 3, "is-green": true}])");
  EXPECT_EQ(read_list<Leaf>(R"([{"name": "x", "weight": "3"}])"),
            "Invalid parameter type for 'x[0].weight', expected: integer");
  EXPECT_EQ(read_list<Leaf>("a,b"), "Invalid parameter type for 'x', expected: array");
}

TEST(TextVisitorTest, ranges_of_unsigned_numbers_reach_the_greatest) {
  EXPECT_EQ(read_list<std::uint64_t>("18446744073709551614-18446744073709551615"),
            "[18446744073709551614, 18446744073709551615]");
  EXPECT_EQ(read_list<std::uint64_t>("18446744073709551615-0"),
            "Parameter 'x' expects ranges of at most 65536 values, lowest first");
  EXPECT_EQ(read_list<std::uint64_t>("-1-0"), "[18446744073709551615, 0]") << "negative ones wrap, as ever";
  EXPECT_EQ(read_list<std::uint64_t>(" 0x10-0x11, 3"), "[16, 17, 3]");
  EXPECT_EQ(read_list<std::int64_t>(" -5--4"), "[-5, -4]");
  EXPECT_EQ(read_list<std::int64_t>("9223372036854775807-9223372036854775808"),
            "Parameter 'x.0' expects integer");
}

TEST(TextVisitorTest, a_visitor_can_be_reused_after_its_text_is_taken) {
  TextVisitor visitor;
  Integers list{1, 2};
  ASSERT_TRUE(visit(visitor, {}, list));
  EXPECT_EQ(visitor.take(), "1-2");
  std::int64_t number = 3;
  ASSERT_TRUE(visit(visitor, {}, number));
  EXPECT_EQ(visitor.take(), "3");
}

}  // namespace text_visitor_test
}  // namespace qomio

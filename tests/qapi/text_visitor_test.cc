// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/text_visitor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "qomio/qapi/input_visitor.h"
#include "qomio/tests/qapi/every_kind.h"

namespace qomio {
namespace {

using sample::Colour;
using sample::Leaf;

using Integers = std::vector<std::int64_t>;

template <class T>
std::string for_people(const T& value) {
  return to_text(value, TextVisitor::Form::for_people);
}

TEST(TextVisitorTest, ScalarsAreWrittenAsOneWouldTypeThem) {
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

TEST(TextVisitorTest, IntegersOfAListThatFollowEachOtherAreARange) {
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

TEST(TextVisitorTest, WhatTextCanNotSayIsJson) {
  const Leaf leaf{.name = "x", .weight = 3, .is_green = false};
  const std::string json = R"({"name": "x", "weight": 3, "is-green": false})";
  EXPECT_EQ(to_text(leaf), json);
  EXPECT_EQ(to_text(std::vector{leaf, leaf}), json + "," + json);
  EXPECT_EQ(to_text(std::vector<Integers>{{1, 2}, {}}), "[1, 2],[]");
  EXPECT_EQ(to_text(Json{{"a", 1}}), R"({"a": 1})");
}

TEST(TextVisitorTest, PeopleGetQuotesAndOtherWaysToSayANumber) {
  EXPECT_EQ(for_people(std::int64_t{32768}), "32768 (0x8000)");
  EXPECT_EQ(for_people(std::int64_t{-1}), "-1 (0xffffffffffffffff)");
  EXPECT_EQ(for_people(Size{4096}), "4096 (4 KiB)");
  EXPECT_EQ(for_people(Size{1}), "1 (1 B)");
  EXPECT_EQ(for_people(Size{std::numeric_limits<std::uint64_t>::max()}), "18446744073709551615 (16 EiB)");
  EXPECT_EQ(for_people(std::string("a \"b\"")), R"("a \"b\"")");
  EXPECT_EQ(for_people(Integers{1, 2}), "1 (0x1)-2 (0x2)");
}

TEST(TextVisitorTest, ThePlainFormIsReadBack) {
  const auto read_back = []<class T>(const T& value) {
    const std::string text = to_text(value);
    InputVisitor visitor{std::string_view(text)};
    T read{};
    return visit(visitor, "x", read).has_value() && equal(read, value);
  };
  EXPECT_TRUE(read_back(Integers{1, 2, 3, 5, 7, 8, -9, -2, -1, 0}));
  EXPECT_TRUE(read_back(std::vector<std::uint16_t>{65534, 65535}));
  EXPECT_TRUE(read_back(std::vector<std::string>{"a", "b c"}));
  EXPECT_TRUE(read_back(std::numeric_limits<std::int64_t>::min()));
  EXPECT_TRUE(read_back(Size{(std::uint64_t{1} << 53) + 1}));
  EXPECT_TRUE(read_back(0.1));
  EXPECT_TRUE(read_back(false));
  EXPECT_TRUE(read_back(Colour::blue));
  EXPECT_TRUE(read_back(std::string("1-3")));
}

TEST(TextVisitorTest, TakingTheTextLeavesTheVisitorReadyForAnother) {
  TextVisitor visitor;
  Integers list{1, 2};
  ASSERT_TRUE(visit(visitor, {}, list));
  EXPECT_EQ(visitor.take(), "1-2");
  std::int64_t number = 3;
  ASSERT_TRUE(visit(visitor, {}, number));
  EXPECT_EQ(visitor.take(), "3");
}

}  // namespace
}  // namespace qomio

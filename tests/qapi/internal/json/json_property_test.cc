// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever a value, an error or an event contains, an independent JSON parser must accept the line.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "qomio/qapi/internal/qmp/request.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace json_property_test {

// Arbitrary bytes, many of which are special in UTF-8 or JSON.
std::string any_bytes() {
  const auto byte =
      rc::gen::oneOf(rc::gen::arbitrary<char>(),
                     rc::gen::element('\0', '\n', '\r', '"', '\\', '\x7f', '\x80', '\xbf', '\xc0', '\xc3',
                                      '\xa9', '\xe2', '\x82', '\xac', '\xed', '\xa0', '\xef', '\xbb', '\xbe',
                                      '\xf0', '\x9f', '\xf4', '\x90', '\xf8', '\xfe', '\xff'));
  return *rc::gen::container<std::string>(byte);
}

double any_double() {
  using Limits = std::numeric_limits<double>;
  return *rc::gen::oneOf(
      rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                   [](std::uint64_t bits) { return std::bit_cast<double>(bits); }),
      rc::gen::element(Limits::quiet_NaN(), Limits::signaling_NaN(), Limits::infinity(), -Limits::infinity(),
                       Limits::max(), Limits::denorm_min(), -0.0, 0.1));
}

Json any_value(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 12 : 8)) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<std::int64_t>();
    case 3:
      return *rc::gen::arbitrary<std::uint64_t>();
    case 4:
      return any_double();
    case 5:
    case 6:
      return any_bytes();
    case 7:
      return *rc::gen::element(Json(Json::binary({1, 2})), Json(Json::value_t::discarded), Json::object(),
                               Json::array());
    case 8:
    case 9: {
      Json array = Json::array();
      for (auto n = *rc::gen::inRange(0, 4); n > 0; --n) array.push_back(any_value(depth - 1));
      return array;
    }
    default: {
      // May contain the same key twice.
      Json object = Json::object();
      for (auto n = *rc::gen::inRange(0, 4); n > 0; --n) {
        object.get_ref<Json::object_t&>().emplace_back(any_bytes(), any_value(depth - 1));
      }
      return object;
    }
  }
}

// Parse the text with the independent parser, which must accept it. read_line() also requires one ASCII line.
nlohmann::json read(const std::string& text) {
  RC_ASSERT(nlohmann::json::accept(text));
  return nlohmann::json::parse(text);
}
nlohmann::json read_line(std::string line) {
  RC_ASSERT(line.ends_with("\r\n"));
  line.resize(line.size() - 2);
  RC_ASSERT(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; }));
  return read(line);
}

TEST(JsonProperty, any_value_makes_a_json_text) {
  EXPECT_TRUE(rc::check([] {
    const Json value = any_value(4);
    const nlohmann::json line = read(json_text(value));
    RC_ASSERT(line == read(json_pretty_text(value)));
    std::string text;
    RC_ASSERT(json_append(text, value) == check_json(value, "x").has_value());
  }));
}

TEST(JsonProperty, any_result_makes_a_reply_or_an_error) {
  EXPECT_TRUE(rc::check([] {
    const Json value = any_value(4);
    const Json id = any_value(2);
    const std::optional<Json> sent = *rc::gen::arbitrary<bool>() ? std::optional(id) : std::nullopt;
    const nlohmann::json line = read_line(qmp_return_line(value, sent));
    RC_ASSERT(line.contains("return") == check_json(value, "x").has_value());
    RC_ASSERT(line.contains("return") != line.contains("error"));
    RC_ASSERT(line.contains("id") == sent.has_value());
  }));
}

TEST(JsonProperty, any_error_and_its_data_make_a_line) {
  EXPECT_TRUE(rc::check([] {
    Error error(any_bytes());
    const Json data = any_value(2);
    error.set_data(*rc::gen::arbitrary<bool>() ? any_bytes() : json_text(data));
    RC_ASSERT(read_line(qmp_error_line(error, any_value(1))).contains("error"));
  }));
}

TEST(JsonProperty, any_event_makes_a_line) {
  EXPECT_TRUE(rc::check([] {
    Json data = Json::object();
    data[any_bytes()] = any_value(3);
    RC_ASSERT(read_line(qmp_event_line(any_bytes(), data)).contains("timestamp"));
  }));
}

TEST(JsonProperty, any_id_comes_back_as_it_was_or_not_at_all) {
  EXPECT_TRUE(rc::check([] {
    const Json id = any_value(3);
    const QmpRequest request = qmp_request(Json{{"execute", "x"}, {"id", id}}, false);
    RC_ASSERT(request.error.has_value() != check_json(id, "id").has_value());
    RC_ASSERT(request.id.has_value() != request.error.has_value());
    if (request.error) read_line(qmp_error_line(*request.error, request.id));
  }));
}

}  // namespace json_property_test
}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
// Values of types with ValueTraits, optional values and maps.
#include "qomio/qapi/value_traits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/json/text_visitor.h"
#include "qomio/qapi/internal/schema/schema.h"
#include "qomio/qapi/introspection.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"

namespace qomio {
namespace value_traits_test {

struct Colour {
  int rgb = 0;
};
// Written as `x,y` by people.
struct Point {
  std::int64_t x = 0;
  std::int64_t y = 0;
};
struct PointWire {
  std::int64_t x = 0;
  std::int64_t y = 0;
  static constexpr std::string_view type_name = "Point";
  static constexpr auto members = member_list(member("x", &PointWire::x), member("y", &PointWire::y));
};

}  // namespace value_traits_test

template <>
struct ValueTraits<value_traits_test::Colour> {
  using Colour = value_traits_test::Colour;
  using Wire = std::string;
  static constexpr std::string_view type_name = "colour";
  static std::string to_wire(const Colour& colour) { return "#" + std::to_string(colour.rgb); }
  static Result<Colour> from_wire(const std::string& text) {
    if (!text.starts_with('#')) return error("expects a colour such as #5, not '{}'", text);
    return Colour{std::stoi(text.substr(1))};
  }
};

template <>
struct ValueTraits<value_traits_test::Point> {
  using Point = value_traits_test::Point;
  using Wire = value_traits_test::PointWire;
  static Wire to_wire(const Point& point) { return {point.x, point.y}; }
  static Result<Point> from_wire(const Wire& wire) {
    if (wire.x < 0) return error(ErrorClass::DeviceNotFound, "is out of the picture");
    return Point{wire.x, wire.y};
  }
  static std::string to_text(const Point& point) {
    return std::to_string(point.x) + "," + std::to_string(point.y);
  }
  static Result<Point> from_text(const std::string& text) {
    const auto comma = text.find(',');
    if (comma == std::string::npos) return error("expects x,y, not '{}'", text);
    return Point{std::stoi(text.substr(0, comma)), std::stoi(text.substr(comma + 1))};
  }
};

namespace value_traits_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

template <class T>
std::string message(const Result<T>& result) {
  return result ? "ok" : result.error().message();
}
// What is wrong with the JSON for a value x of type T.
template <class T>
std::string refusal(const Json& json) {
  return message(from_json<T>(json, "x"));
}
template <class T>
Result<T> from_text(std::string_view text) {
  return from_json<T>(std::string(text), "x", Scalars::text);
}
template <class T>
std::string text_refusal(std::string_view text) {
  return message(from_text<T>(text));
}

struct Picture {
  Colour colour;
  std::vector<Colour> more;
  std::optional<Colour> frame;
  Point centre;
  static constexpr std::string_view type_name = "Picture";
  static constexpr auto members =
      member_list(member("colour", &Picture::colour, "of all"), member_with_default("more", &Picture::more),
                  member("frame", &Picture::frame), member_with_default("centre", &Picture::centre));
};

TEST(ValueTraits, make_a_type_a_member_of_a_struct) {
  const Json json{
      {"colour", "#1"}, {"more", {"#2", "#3"}}, {"frame", "#4"}, {"centre", {{"x", 5}, {"y", 6}}}};
  const auto picture = from_json<Picture>(json);
  ASSERT_TRUE(picture) << picture.error().message();
  EXPECT_EQ(picture->colour.rgb, 1);
  EXPECT_EQ(picture->more.at(1).rgb, 3);
  EXPECT_EQ(picture->frame->rgb, 4);
  EXPECT_EQ(picture->centre.y, 6);
  EXPECT_EQ(to_json(*picture), json);
  EXPECT_TRUE(equal(*picture, *picture));
  EXPECT_FALSE(equal(*picture, Picture{}));
}

TEST(ValueTraits, refuse_a_value_with_an_error_that_names_it_in_full) {
  EXPECT_EQ(refusal<Colour>("red"), "Parameter 'x' expects a colour such as #5, not 'red'");
  EXPECT_EQ(refusal<Picture>({{"colour", "#1"}, {"more", {"#1", "blue"}}}),
            "Parameter 'x.more[1]' expects a colour such as #5, not 'blue'");
  EXPECT_EQ(refusal<Colour>(5), "Invalid parameter type for 'x', expected: string");
  EXPECT_EQ(message(from_json<Colour>("red")), "Parameter 'null' expects a colour such as #5, not 'red'");
  const auto out = from_json<Point>({{"x", -1}, {"y", 0}}, "x");
  EXPECT_EQ(message(out), "Parameter 'x' is out of the picture");
  EXPECT_EQ(out.error().error_class(), ErrorClass::DeviceNotFound);
}

TEST(ValueTraits, that_refuse_a_value_leave_the_old_one) {
  Colour colour{7};
  EXPECT_FALSE(update_from_json(colour, "red"));
  EXPECT_EQ(colour.rgb, 7);
}

TEST(ValueTraits, name_the_type_in_help_and_keep_that_of_the_wire_in_the_schema) {
  EXPECT_EQ(describe<Colour>().name, "colour");
  EXPECT_EQ(describe<Colour>().json_type, "string");
  EXPECT_EQ(describe<Point>().name, "Point");
  EXPECT_EQ(describe<std::chrono::milliseconds>().name, "milliseconds");
  EXPECT_EQ(describe<std::filesystem::path>().name, "str");
  EXPECT_EQ((describe<std::array<float, 3>>().name), "[number]");
}

TEST(ValueTraits, with_a_text_form_are_written_and_read_so_on_a_command_line) {
  EXPECT_EQ(to_text(Point{1, 2}), "1,2");
  EXPECT_EQ(from_text<Point>("1,2")->y, 2);
  EXPECT_EQ(text_refusal<Point>("1"), "Parameter 'x' expects x,y, not '1'");
  EXPECT_EQ(from_text<Point>(R"({"x": 1})").error().message(),
            R"(Parameter 'x' expects x,y, not '{"x": 1}')");
  const auto options = parse_keyval("colour=#1,centre=3,,4");
  EXPECT_EQ(from_json<Picture>(options->values, {}, Scalars::text)->centre.y, 4);
  EXPECT_EQ(refusal<Point>("1,2"), "Invalid parameter type for 'x', expected: object");
}

TEST(ValueTraits, with_a_text_form_that_has_commas_are_read_back_from_a_list) {
  const std::string text = to_text(std::vector<Point>{{1, 2}, {3, 4}});
  EXPECT_EQ(text, R"(["1,2", "3,4"])");
  EXPECT_EQ(from_text<std::vector<Point>>(text)->at(1).x, 3);
}

TEST(ValueTraits, are_told_apart_in_an_alternate_by_their_wire) {
  using Either = std::variant<Colour, Point>;
  EXPECT_EQ(std::get<Colour>(*from_json<Either>("#3")).rgb, 3);
  EXPECT_EQ(std::get<Point>(*from_json<Either>({{"x", 1}, {"y", 2}})).y, 2);
}

TEST(Durations, are_numbers_of_their_unit) {
  EXPECT_EQ(*from_json<std::chrono::milliseconds>(1500), 1500ms);
  EXPECT_EQ(to_json(1500ms), 1500);
  EXPECT_EQ(to_json(std::chrono::duration<double>(1.5)), 1.5);
  EXPECT_EQ(refusal<std::chrono::milliseconds>("1s"), "Invalid parameter type for 'x', expected: integer");
  EXPECT_EQ((refusal<std::chrono::duration<std::int8_t>>(128)), "Parameter 'x' expects int8_t");
}

TEST(Durations, are_written_as_text_with_a_unit) {
  EXPECT_EQ(*from_text<std::chrono::milliseconds>("20"), 20ms);
  EXPECT_EQ(*from_text<std::chrono::milliseconds>("20ms"), 20ms);
  EXPECT_EQ(*from_text<std::chrono::milliseconds>("-1.5s"), -1500ms);
  EXPECT_EQ(*from_text<std::chrono::milliseconds>("1.05min"), 63s);
  EXPECT_EQ(*from_text<std::chrono::milliseconds>("0.250s"), 250ms);
  EXPECT_EQ(*from_text<std::chrono::milliseconds>("3000us"), 3ms);
  EXPECT_EQ(*from_text<std::chrono::seconds>("2d"), 48h);
  EXPECT_EQ(from_text<std::chrono::duration<double>>("90min")->count(), 5400);
  EXPECT_EQ(to_text(1500ms), "1500ms");
  EXPECT_EQ(to_text(std::chrono::days(2)), "2d");
  EXPECT_EQ(to_text(std::chrono::duration<double>(0.1)), "0.1s");
  EXPECT_EQ(to_text(std::vector{1ms, 2ms, 3ms}), "1ms,2ms,3ms");
  EXPECT_EQ(from_text<std::vector<std::chrono::milliseconds>>("1ms,2s")->at(1), 2s);
}

TEST(Durations, of_any_length_are_read_back_from_their_text) {
  for (const auto longest : {std::chrono::hours::max(), std::chrono::hours::min()})
    EXPECT_EQ(*from_text<std::chrono::hours>(to_text(longest)), longest);
  for (const auto longest : {std::chrono::nanoseconds::max(), std::chrono::nanoseconds::min()})
    EXPECT_EQ(*from_text<std::chrono::nanoseconds>(to_text(longest)), longest);
}

TEST(Durations, that_are_no_number_of_their_unit_are_refused) {
  const auto expects = [](const std::string& text) {
    return "Parameter 'x' expects milliseconds such as 20 or 20ms (units: ns, us, ms, s, min, h, d), not '" +
           text + "'";
  };
  for (const char* text :
       {"", "ms", "20 m", "1.5.5s", "20ms ", "1e3s", "--1s", "-", "+", ".5s", "0x10s", "1,5s"})
    EXPECT_EQ(text_refusal<std::chrono::milliseconds>(text), expects(text));
  for (const char* text : {"1us", "1.5ms", "0.0001s", "0.00000000001s", "0.00000000000000000005d"}) {
    EXPECT_EQ(text_refusal<std::chrono::milliseconds>(text),
              "Parameter 'x' expects a whole number of milliseconds, not '" + std::string(text) + "'");
  }
  EXPECT_EQ(*from_text<std::chrono::nanoseconds>("1.000000000000s"), 1s);
  for (const char* text : {"99999999999999999999ms", "9999999999d", "9223372036.9s"}) {
    EXPECT_EQ(
        text_refusal<std::chrono::nanoseconds>(text),
        "Parameter 'x' expects nanoseconds within the range of the type, not '" + std::string(text) + "'");
  }
  EXPECT_EQ((text_refusal<std::chrono::duration<std::int8_t>>("3min")),
            "Parameter 'x' expects seconds within the range of the type, not '3min'");
}

TEST(Paths, are_strings_without_nul) {
  EXPECT_EQ(*from_json<std::filesystem::path>("/a/b"), std::filesystem::path("/a/b"));
  EXPECT_EQ(to_json(std::filesystem::path("/a/b")), "/a/b");
  EXPECT_EQ(refusal<std::filesystem::path>(std::string("a\0b", 3)),
            "Parameter 'x' expects a path without NUL characters");
}

TEST(Floats, are_shown_as_short_as_they_are_written) {
  EXPECT_EQ(json_text(to_json(0.1F)), "0.1");
  EXPECT_EQ(*from_json<float>(0.1), 0.1F);
  EXPECT_EQ(*from_text<float>("1e-3"), 1e-3F);
  constexpr float kMax = std::numeric_limits<float>::max();
  EXPECT_EQ(*from_json<float>(to_json(kMax)), kMax);
  EXPECT_EQ(refusal<float>(1e39), "Parameter 'x' expects a number between -3.4028235e+38 and 3.4028235e+38");
}

TEST(Arrays, have_as_many_elements_as_they_have) {
  using Three = std::array<std::int64_t, 3>;
  EXPECT_EQ(*from_json<Three>({1, 2, 3}), (Three{1, 2, 3}));
  EXPECT_EQ(*from_text<Three>("1-3"), (Three{1, 2, 3}));
  EXPECT_EQ(to_json(Three{1, 2, 3}), Json({1, 2, 3}));
  EXPECT_EQ(refusal<Three>({1, 2}), "Parameter 'x' expects 3 elements, not 2");
  EXPECT_EQ(refusal<Three>({1, 2, "a"}), "Invalid parameter type for 'x[2]', expected: integer");
}

TEST(Optionals, are_null_when_they_are_empty) {
  using Maybe = std::optional<std::int64_t>;
  EXPECT_EQ(*from_json<Maybe>(nullptr), std::nullopt);
  EXPECT_EQ(*from_json<Maybe>(5), 5);
  EXPECT_EQ(to_json(std::vector<Maybe>{1, std::nullopt}), Json({1, nullptr}));
  EXPECT_EQ(refusal<Maybe>("a"), "Invalid parameter type for 'x', expected: integer");
  EXPECT_EQ(*from_text<Maybe>("null"), std::nullopt);
  EXPECT_EQ(*from_text<Maybe>("5"), 5);
  EXPECT_EQ(text_refusal<Maybe>("five"), "Parameter 'x' expects integer");
  for (const auto& value : {std::vector<Maybe>{}, std::vector<Maybe>{1, std::nullopt, 2}})
    EXPECT_EQ(*from_text<std::vector<Maybe>>(to_text(value)), value);
  EXPECT_EQ(*from_text<std::optional<std::string>>("null"), std::nullopt);
  EXPECT_EQ(*from_json<std::optional<std::string>>("null"), "null");
  EXPECT_EQ(*from_text<std::optional<std::string>>(""), "");
  EXPECT_EQ(describe<Maybe>().name, "int or null");
  EXPECT_EQ((describe<std::optional<std::variant<bool, std::string>>>().alternatives.size()), 3U);
}

using Delays = std::map<std::string, std::chrono::milliseconds>;

TEST(Maps, are_objects_whose_members_have_any_names) {
  const Delays delays{{"", 1ms}, {"b", 2ms}, {"c", 3ms}};
  EXPECT_EQ(to_json(delays), (Json{{"", 1}, {"b", 2}, {"c", 3}}));
  EXPECT_EQ(*from_json<Delays>({{"c", 3}, {"b", 2}, {"", 1}}), delays);
  EXPECT_TRUE(from_json<Delays>(Json::object())->empty());
  EXPECT_EQ((*from_json<std::unordered_map<std::string, bool>>({{"a", true}})).at("a"), true);
  EXPECT_TRUE(equal(delays, delays));
  EXPECT_FALSE(equal(delays, Delays{{"", 1ms}, {"b", 2ms}, {"d", 3ms}}));
}

TEST(Maps, that_are_not_read_keep_what_they_had) {
  Delays delays{{"a", 1ms}};
  EXPECT_EQ(message(update_from_json(delays, {{"b", 2}, {"c", "d"}})),
            "Invalid parameter type for 'c', expected: integer");
  EXPECT_EQ(delays, (Delays{{"a", 1ms}}));
  EXPECT_TRUE(update_from_json(delays, {{"b", 2}}));
  EXPECT_EQ(delays, (Delays{{"b", 2ms}}));
}

TEST(Maps, are_read_from_a_command_line) {
  const auto options = parse_keyval("x.a=1s,x.b=20");
  EXPECT_EQ((*from_json<std::map<std::string, Delays>>(options->values, {}, Scalars::text)).at("x"),
            (Delays{{"a", 1s}, {"b", 20ms}}));
  using Lists = std::map<std::string, std::vector<std::string>>;
  const Lists lists{{"a", {"b,c", "d"}}, {"e", {}}};
  EXPECT_EQ(*from_text<Lists>(to_text(lists)), lists);
  EXPECT_EQ(text_refusal<Delays>("a"), "Invalid parameter type for 'x', expected: object");
  EXPECT_EQ(
      text_refusal<Delays>(R"({"a": "20ms", "b": 1, "c": "d"})"),
      "Parameter 'x.c' expects milliseconds such as 20 or 20ms (units: ns, us, ms, s, min, h, d), not 'd'");
}

TEST(Maps, hold_maps_structs_and_json) {
  std::map<std::string, std::map<std::string, Json>> read;
  const Json json{{"a", {{"b", {1, {{"c", nullptr}}}}, {"d", true}}}, {"e", Json::object()}};
  ASSERT_TRUE(update_from_json(read, json));
  const JsonClearer clearer(read);
  EXPECT_EQ(to_json(read), json);
  EXPECT_EQ(refusal<decltype(read)>({{"a", 1}}), "Invalid parameter type for 'x.a', expected: object");
  EXPECT_EQ((refusal<std::map<std::string, Point>>({{"a", {{"x", 1}}}})), "Parameter 'x.a.y' is missing");
}

struct MapArguments {
  std::map<std::string, Picture> pictures;
  static constexpr std::string_view type_name = "MapArguments";
  static constexpr auto members = member_list(member("pictures", &MapArguments::pictures));
};

TEST(Maps, are_any_values_in_the_schema_and_named_in_the_reference) {
  CommandRegistry registry;
  registry.add(command("hang", "hangs", +[](const MapArguments&) { return Result<void>(); }));
  EXPECT_THAT(json_text(schema_json(registry, Access::full)),
              HasSubstr(R"({"name": "pictures", "type": "any"})"));
  EXPECT_THAT(qmp_reference(registry), HasSubstr("| `pictures` | map of [Picture](#picture) |  |"));
  EXPECT_THAT(qmp_reference(registry), HasSubstr("| `colour` | `colour` | of all |"));
}

struct Old {
  std::int64_t age = 0;
  std::optional<std::int64_t> size;
  static constexpr std::string_view type_name = "Old";
  static constexpr auto members =
      member_list(member("age", &Old::age), member("size", &Old::size).with({"deprecated"}));
};
using Olds = std::map<std::string, Old>;

TEST(Maps, are_searched_for_what_the_policy_refuses_and_hides) {
  const TypeDescription& type = describe<Olds>();
  CompatPolicy policy;
  policy.deprecated_input = CompatInput::reject;
  policy.deprecated_output = CompatOutput::hide;
  Json value{{"a", {{"age", 1}}}, {"b", {{"age", 2}, {"size", 3}}}};
  EXPECT_EQ(message(policy.check_input(value, type)), "Deprecated parameter size disabled by policy");
  policy.filter_output(value, type);
  EXPECT_EQ(value, (Json{{"a", {{"age", 1}}}, {"b", {{"age", 2}}}}));
  EXPECT_TRUE(policy.check_input(value, type));
}

}  // namespace value_traits_test
}  // namespace qomio

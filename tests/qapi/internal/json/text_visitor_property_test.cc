// SPDX-License-Identifier: GPL-2.0-or-later
// The text that is written for a value is read back as the same value, whatever its type.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/json/text_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"
#include "qomio/tests/qapi/every_kind.h"

namespace qomio {
namespace text_visitor_property_test {

using namespace sample;

// Text that consists mostly of separators: of lists, ranges, keys and values, and JSON.
std::string text_of_separators() {
  return *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string(",,,-[]{}\"'\\=.: \t\n0179abx") + '\0'));
}

// Numbers near the limits of the type, half its maximum, and 0, so that lists contain runs, also across them.
template <class T>
T integer_near_a_bound() {
  using Limits = std::numeric_limits<T>;
  const T base = *rc::gen::element<T>(Limits::min(), Limits::max(), T{0}, static_cast<T>(Limits::max() / 2),
                                      static_cast<T>(Limits::max() / 2 + 1));
  const auto step = static_cast<std::uint64_t>(*rc::gen::inRange(-3, 4));
  return static_cast<T>(static_cast<std::uint64_t>(base) + step);  // may wrap around
}

template <class T>
void draw(T& value);
template <class T>
void draw(std::vector<T>& list) {
  list.resize(*rc::gen::inRange<std::size_t>(0, 6));
  for (auto& element : list) draw(element);
}
template <class T>
void draw(T& value) {
  if constexpr (std::same_as<T, bool>) {
    value = *rc::gen::arbitrary<bool>();
  } else if constexpr (std::integral<T>) {
    value = *rc::gen::arbitrary<bool>() ? integer_near_a_bound<T>() : *rc::gen::arbitrary<T>();
  } else if constexpr (std::same_as<T, Size>) {
    value.bytes = integer_near_a_bound<std::uint64_t>();
  } else if constexpr (std::same_as<T, double>) {
    value = *rc::gen::oneOf(rc::gen::arbitrary<double>(),
                            rc::gen::element(0.1, 1e300, 5e-324, -1.0, std::numeric_limits<double>::max()));
    if (!std::isfinite(value)) value = 0.5;
  } else if constexpr (std::same_as<T, std::string>) {
    value = text_of_separators();
  } else if constexpr (std::same_as<T, Colour>) {
    value = *rc::gen::element(Colour::red, Colour::green, Colour::blue);
  } else if constexpr (std::same_as<T, EveryKind::NumberOrNull>) {
    value = nullptr;
    if (*rc::gen::arbitrary<bool>()) value = integer_near_a_bound<std::int64_t>();
  } else if constexpr (std::same_as<T, Json>) {
    value = Json::array({text_of_separators(), integer_near_a_bound<std::uint64_t>(), nullptr, 0.5});
    if (*rc::gen::arbitrary<bool>()) value = Json{{text_of_separators(), value}};
  } else if constexpr (std::same_as<T, Shape>) {
    draw(value.colour);
    if (value.colour == Colour::red) draw(value.more.template emplace<Circle>());
    if (value.colour == Colour::green) draw(value.more.template emplace<Label>());
  } else {
    internal::apply_list([&](const auto&... m) { (draw(value.*m.pointer), ...); }, T::members);
  }
}

std::string doubled_commas(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == ',' ? 2 : 1, c);
  return doubled;
}

template <class T>
void comes_back() {
  EXPECT_TRUE(rc::check("a value comes back from its text", [] {
    T value{};
    draw(value);
    const std::string text = to_text(value);
    RC_TAG(text.starts_with('[') || text.starts_with('{') ? "JSON" : "plain");
    InputVisitor visitor{std::string_view(text)};
    T read{};
    const auto r = visit(visitor, "x", read);
    if (!r) RC_FAIL(text + ": " + r.error().message());
    if (!equal(read, value)) RC_FAIL(text + ": read as " + json_text(to_json(read)));

    // The same as the value of a key on a command line.
    const auto keyval = parse_keyval("x=" + doubled_commas(text));
    RC_ASSERT(keyval.has_value());
    const auto behind_key = from_json<T>(keyval->values["x"], "x", Scalars::text);
    if (!behind_key) RC_FAIL(text + ": " + behind_key.error().message());
    RC_ASSERT(equal(*behind_key, value));
  }));
}

template <class T>
void comes_back_alone_and_in_lists() {
  comes_back<T>();
  comes_back<std::vector<T>>();
  comes_back<std::vector<std::vector<T>>>();
}

TEST(TextVisitorPropertyTest, integers_of_every_size_are_read_back_from_their_text) {
  comes_back_alone_and_in_lists<std::int8_t>();
  comes_back_alone_and_in_lists<std::uint8_t>();
  comes_back_alone_and_in_lists<std::int16_t>();
  comes_back_alone_and_in_lists<std::uint32_t>();
  comes_back_alone_and_in_lists<std::int64_t>();
  comes_back_alone_and_in_lists<std::uint64_t>();
}

TEST(TextVisitorPropertyTest, other_scalars_are_read_back_from_their_text) {
  comes_back_alone_and_in_lists<Size>();
  comes_back<bool>();
  comes_back_alone_and_in_lists<double>();
  comes_back_alone_and_in_lists<std::string>();
  comes_back_alone_and_in_lists<Colour>();
  comes_back_alone_and_in_lists<EveryKind::NumberOrNull>();
}

TEST(TextVisitorPropertyTest, structs_and_lists_are_read_back_from_their_text) {
  comes_back_alone_and_in_lists<Leaf>();
  comes_back_alone_and_in_lists<Shape>();
  comes_back_alone_and_in_lists<Json>();
}

}  // namespace text_visitor_property_test
}  // namespace qomio

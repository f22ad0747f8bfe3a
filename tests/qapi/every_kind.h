// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"

// A described struct with a member of every kind, for tests of visitors.
namespace qomio {
namespace sample {
enum class Colour { red, green, blue };
}
template <>
inline constexpr auto enum_description<sample::Colour> =
    EnumDescription("Colour", value(sample::Colour::red, "red"), value(sample::Colour::green, "green"),
                    value(sample::Colour::blue, "blue"));

namespace sample {

struct Leaf {
  std::string name;
  std::int64_t weight = 0;
  bool is_green = true;
  static constexpr std::string_view type_name = "Leaf";
  static constexpr auto members = member_list(member("name", &Leaf::name), member("weight", &Leaf::weight),
                                              member_with_default("is-green", &Leaf::is_green));
};

struct Circle {
  double radius = 0;
  static constexpr std::string_view type_name = "Circle";
  static constexpr auto members = member_list(member("radius", &Circle::radius));
};

struct Label {
  std::string text;
  std::vector<std::uint8_t> bytes;
  static constexpr std::string_view type_name = "Label";
  static constexpr auto members = member_list(member("text", &Label::text), member("bytes", &Label::bytes));
};

// A union; blue has no branch.
struct Shape {
  Colour colour = Colour::blue;
  std::variant<std::monostate, Circle, Label> more;
  static constexpr std::string_view type_name = "Shape";
  static constexpr auto members = member_list(member("colour", &Shape::colour));
  static constexpr auto branches =
      union_of(&Shape::colour, &Shape::more, branch<Circle>(Colour::red), branch<Label>(Colour::green));
};

struct EveryKind {
  using LeafOrName = std::variant<std::string, Leaf>;
  using NumberOrNull = std::variant<std::int64_t, std::nullptr_t>;

  bool flag = false;
  std::int8_t int8 = 0;
  std::uint8_t uint8 = 0;
  std::int16_t int16 = 0;
  std::uint16_t uint16 = 0;
  std::int32_t int32 = 0;
  std::uint32_t uint32 = 0;
  std::int64_t int64 = 0;
  std::uint64_t uint64 = 0;
  Size size;
  double number = 0;
  std::string text;
  Colour colour = Colour::red;
  Leaf leaf;
  Shape shape;
  LeafOrName leaf_or_name;
  NumberOrNull number_or_null;
  std::vector<std::int64_t> numbers;
  std::vector<std::string> texts;
  std::vector<Leaf> leaves;
  std::vector<Shape> shapes;
  std::vector<std::vector<std::int16_t>> table;
  std::int64_t usual = 42;
  std::optional<double> maybe_number;
  std::optional<Leaf> maybe_leaf;
  std::optional<std::vector<Colour>> maybe_colours;
  std::optional<Json> anything;
  std::optional<std::nullptr_t> nothing;

  static constexpr std::string_view type_name = "EveryKind";
  static constexpr auto members = member_list(
      member("flag", &EveryKind::flag), member("int8", &EveryKind::int8), member("uint8", &EveryKind::uint8),
      member("int16", &EveryKind::int16), member("uint16", &EveryKind::uint16),
      member("int32", &EveryKind::int32), member("uint32", &EveryKind::uint32),
      member("int64", &EveryKind::int64), member("uint64", &EveryKind::uint64),
      member("size", &EveryKind::size), member("number", &EveryKind::number),
      member("text", &EveryKind::text), member("colour", &EveryKind::colour),
      member("leaf", &EveryKind::leaf), member("shape", &EveryKind::shape),
      member("leaf-or-name", &EveryKind::leaf_or_name), member("number-or-null", &EveryKind::number_or_null),
      member("numbers", &EveryKind::numbers), member("texts", &EveryKind::texts),
      member("leaves", &EveryKind::leaves), member("shapes", &EveryKind::shapes),
      member("table", &EveryKind::table), member_with_default("usual", &EveryKind::usual),
      member("maybe-number", &EveryKind::maybe_number), member("maybe-leaf", &EveryKind::maybe_leaf),
      member("maybe-colours", &EveryKind::maybe_colours), member("anything", &EveryKind::anything),
      member("nothing", &EveryKind::nothing));
};

}  // namespace sample
}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
// Unions, alternates and null in described types, and how such values are compared and copied.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <limits>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/schema/schema.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"

namespace qomio {

enum class ShapeKind { point, circle, poly };
template <>
inline constexpr auto enum_description<ShapeKind> =
    EnumDescription("ShapeKind", value(ShapeKind::point, "point"), value(ShapeKind::circle, "circle"),
                    value(ShapeKind::poly, "poly"));

enum class Preset { tiny, huge };
template <>
inline constexpr auto enum_description<Preset> =
    EnumDescription("Preset", value(Preset::tiny, "tiny"), value(Preset::huge, "huge"));

namespace {

using testing::ElementsAre;

struct Corner {
  std::int64_t x = 0;
  std::int64_t y = 0;
  static constexpr std::string_view type_name = "Corner";
  static constexpr auto members = member_list(member("x", &Corner::x), member("y", &Corner::y));
};
struct Circle {
  std::variant<std::int64_t, Preset> radius;
  std::optional<bool> filled;
  static constexpr std::string_view type_name = "Circle";
  static constexpr auto members =
      member_list(member("radius", &Circle::radius), member("filled", &Circle::filled));
};
struct Poly {
  std::vector<Corner> corners;
  static constexpr std::string_view type_name = "Poly";
  static constexpr auto members = member_list(member("corners", &Poly::corners));
};
struct Shape {
  std::string name;
  ShapeKind kind = ShapeKind::point;
  std::variant<std::monostate, Circle, Poly> more;
  static constexpr std::string_view type_name = "Shape";
  static constexpr auto members = member_list(member("name", &Shape::name), member("kind", &Shape::kind));
  static constexpr auto branches =
      union_of(&Shape::kind, &Shape::more, branch<Circle>(ShapeKind::circle), branch<Poly>(ShapeKind::poly));
};

using ShapeRef = std::variant<std::nullptr_t, std::string, Shape>;

struct Drawing {
  std::vector<Shape> shapes;
  ShapeRef background;
  static constexpr std::string_view type_name = "Drawing";
  static constexpr auto members =
      member_list(member("shapes", &Drawing::shapes), member("background", &Drawing::background));
};

}  // namespace

template <>
inline constexpr std::string_view alternate_name<ShapeRef> = "ShapeRef";

namespace {

template <class T>
std::string again(std::string_view text) {
  const auto value = from_json<T>(*parse_json(text));
  return value ? json_text(to_json(*value)) : value.error().message();
}

template <class T>
std::string from_text(std::string_view text) {
  const auto keyval = parse_keyval(text);
  const auto value = from_json<T>(keyval->values, {}, Scalars::text);
  return value ? json_text(to_json(*value)) : value.error().message();
}

TEST(UnionTest, a_branch_stands_beside_the_other_members) {
  EXPECT_EQ(again<Shape>("{'radius':3,'kind':'circle','name':'c'}"),
            R"({"name": "c", "kind": "circle", "radius": 3})");
  EXPECT_EQ(again<Shape>("{'kind':'poly','name':'p','corners':[{'x':1,'y':2}]}"),
            R"({"name": "p", "kind": "poly", "corners": [{"x": 1, "y": 2}]})");
}

TEST(UnionTest, a_tag_value_without_a_branch_brings_no_members) {
  EXPECT_EQ(again<Shape>("{'kind':'point','name':'p'}"), R"({"name": "p", "kind": "point"})");
  EXPECT_EQ(again<Shape>("{'kind':'point','name':'p','radius':1}"), "Parameter 'radius' is unexpected");
}

TEST(UnionTest, input_that_fits_no_branch_is_refused) {
  EXPECT_EQ(again<Shape>("{'name':'c'}"), "Parameter 'kind' is missing");
  EXPECT_EQ(again<Shape>("{'name':'c','kind':'cube'}"), "Parameter 'kind' does not accept value 'cube'");
  EXPECT_EQ(again<Shape>("{'name':'c','kind':'circle'}"), "Parameter 'radius' is missing");
  EXPECT_EQ(again<Shape>("{'name':'c','kind':'circle','radius':1,'corners':[]}"),
            "Parameter 'corners' is unexpected");
}

TEST(UnionTest, errors_tell_the_whole_path) {
  EXPECT_EQ(
      again<Drawing>("{'shapes':[{'name':'p','kind':'point'},"
                     "{'name':'p','kind':'poly','corners':[{'x':1,'y':2},{'x':1}]}],'background':null}"),
      "Parameter 'shapes[1].corners[1].y' is missing");
  EXPECT_EQ(again<Drawing>("{'shapes':[],'background':{'name':'c','kind':'circle','radius':true}}"),
            "Invalid parameter type for 'background.radius', expected: int or Preset");
  EXPECT_EQ(from_text<Drawing>("shapes.0.name=p,shapes.0.kind=poly,shapes.0.corners.0.x=1,"
                               "shapes.0.corners.0.y=z,background=x"),
            "Parameter 'shapes.0.corners.0.y' expects integer");
}

TEST(UnionTest, a_union_is_read_from_a_command_line) {
  EXPECT_EQ(from_text<Shape>("kind=circle,name=c,radius=0x10,filled=yes"),
            R"({"name": "c", "kind": "circle", "radius": 16, "filled": true})");
}

TEST(AlternateTest, the_branch_is_picked_by_the_type_of_the_value) {
  for (const char* background : {"null", "\"sky\"", R"({"name": "p", "kind": "point"})"}) {
    const std::string text = fmt::format(R"({{"shapes": [], "background": {}}})", background);
    EXPECT_EQ(again<Drawing>(text), text);
  }
  EXPECT_EQ(again<Circle>("{'radius':'huge'}"), R"({"radius": "huge"})");
}

TEST(AlternateTest, a_value_of_no_branch_is_refused_by_the_name_of_the_alternate) {
  EXPECT_EQ(again<Drawing>("{'shapes':[],'background':[]}"),
            "Invalid parameter type for 'background', expected: ShapeRef");
  EXPECT_EQ(again<Drawing>("{'shapes':[]}"), "Parameter 'background' is missing");
  EXPECT_EQ(again<Circle>("{'radius':'5'}"), "Parameter 'radius' does not accept value '5'");
}

TEST(AlternateTest, text_stands_for_what_it_can) {
  EXPECT_EQ(from_text<Circle>("radius=5"), R"({"radius": 5})");
  EXPECT_EQ(from_text<Circle>("radius=tiny"), R"({"radius": "tiny"})");
  EXPECT_EQ(from_text<Circle>("radius=small"), "Parameter 'radius' does not accept value 'small'");
  EXPECT_EQ(from_text<Drawing>("shapes.0.name=p,shapes.0.kind=point,background.name=b,background.kind=point"),
            R"({"shapes": [{"name": "p", "kind": "point"}], "background": {"name": "b", "kind": "point"}})");
}

TEST(AlternateTest, null_is_a_value_of_its_own) {
  EXPECT_TRUE(from_json<std::nullptr_t>(nullptr, "x"));
  EXPECT_EQ(from_json<std::nullptr_t>(5, "x").error().message(),
            "Invalid parameter type for 'x', expected: null");
  EXPECT_EQ(json_text(to_json(nullptr)), "null");
}

TEST(EqualTest, values_are_compared_member_by_member) {
  const auto a = from_json<Drawing>(
      *parse_json("{'shapes':[{'name':'c','kind':'circle','radius':3},{'name':'p','kind':'poly','corners':["
                  "{'x':1,'y':2}]}],'background':'sky'}"));
  ASSERT_TRUE(a);
  Drawing b = *a;
  EXPECT_TRUE(equal(*a, b));
  std::get<Poly>(b.shapes[1].more).corners[0].y = 3;
  EXPECT_FALSE(equal(*a, b)) << "and a copy shares nothing";
  b = *a;
  std::get<Circle>(b.shapes[0].more).filled = false;
  EXPECT_FALSE(equal(*a, b));
  b = *a;
  b.background = nullptr;
  EXPECT_FALSE(equal(*a, b));
  b = *a;
  b.shapes.pop_back();
  EXPECT_FALSE(equal(*a, b));
}

TEST(UnionTest, the_schema_tells_of_branches_and_alternates) {
  CommandRegistry registry;
  registry.add(command("draw", "draws", +[](const Drawing&) { return Result<void>(); }));
  std::map<std::string, Json> entries;
  for (const Json& entry : schema_json(registry, Access::full)) entries[entry["name"]] = entry;
  const auto member_type = [](const Json& object, std::string_view name) -> std::string {
    for (const Json& m : object["members"]) {
      if (m["name"] == name) return m["type"];
    }
    return {};
  };
  const Json& drawing = entries[entries["draw"]["arg-type"]];
  const Json& reference = entries[member_type(drawing, "background")];
  EXPECT_EQ(reference["meta-type"], "alternate");
  std::vector<std::string> kinds;
  for (const Json& m : reference["members"]) kinds.push_back(entries[m["type"]]["meta-type"]);
  EXPECT_THAT(kinds, ElementsAre("builtin", "builtin", "object"));
  const Json& shape = entries[reference["members"][2]["type"]];
  EXPECT_EQ(shape["tag"], "kind");
  EXPECT_EQ(shape["variants"].size(), 2U);
  EXPECT_EQ(shape["variants"][0]["case"], "circle");
  EXPECT_EQ(member_type(entries[shape["variants"][0]["type"]], "filled"), "bool");
}

}  // namespace
}  // namespace qomio

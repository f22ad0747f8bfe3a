// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/output_visitor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

enum class Shade { dark, medium, bright };

}  // namespace

template <>
inline constexpr auto enum_description<Shade> = EnumDescription(
    "Shade", value(Shade::dark, "dark"), value(Shade::medium, "medium"), value(Shade::bright, "bright"));

namespace {

struct Leaf {
  std::string name;
  std::optional<std::int16_t> weight;
  bool operator==(const Leaf&) const = default;
  static constexpr std::string_view type_name = "Leaf";
  static constexpr auto members = member_list(member("name", &Leaf::name), member("weight", &Leaf::weight));
};

struct Branch {
  std::int64_t count = 0;
  std::uint64_t id = 0;
  Size memory;
  bool on = false;
  double ratio = 0;
  Shade shade = Shade::dark;
  std::optional<Leaf> leaf;
  std::vector<Leaf> leaves;
  std::vector<std::vector<std::uint8_t>> grid;
  std::uint32_t level = 3;
  bool operator==(const Branch&) const = default;
  static constexpr std::string_view type_name = "Branch";
  static constexpr auto members = member_list(
      member("count", &Branch::count), member("id", &Branch::id), member("memory", &Branch::memory),
      member("on", &Branch::on), member("ratio", &Branch::ratio), member("shade", &Branch::shade),
      member("leaf", &Branch::leaf), member("leaves", &Branch::leaves), member("grid", &Branch::grid),
      member_with_default("level", &Branch::level));
};

TEST(OutputVisitorTest, a_struct_becomes_an_object_in_the_order_of_its_description) {
  const Branch branch{.count = -1,
                      .id = std::numeric_limits<std::uint64_t>::max(),
                      .memory = {4096},
                      .on = true,
                      .ratio = 0.5,
                      .shade = Shade::medium,
                      .leaf = Leaf{"l", 2},
                      .leaves = {{"a", {}}, {"b", -1}},
                      .grid = {{1, 2}, {}},
                      .level = 3};
  EXPECT_EQ(json_text(to_json(branch)),
            R"({"count": -1, "id": 18446744073709551615, "memory": 4096, "on": true, "ratio": 0.5, )"
            R"("shade": "medium", "leaf": {"name": "l", "weight": 2}, "leaves": [{"name": "a"}, )"
            R"({"name": "b", "weight": -1}], "grid": [[1, 2], []], "level": 3})");
}

TEST(OutputVisitorTest, absent_members_are_omitted_and_empty_lists_are_not) {
  EXPECT_EQ(json_text(to_json(Branch())),
            R"({"count": 0, "id": 0, "memory": 0, "on": false, "ratio": 0, "shade": "dark", "leaves": [], )"
            R"("grid": [], "level": 3})");
}

TEST(OutputVisitorTest, scalars_and_lists_are_written_without_an_object) {
  EXPECT_EQ(json_text(to_json(std::string("x"))), R"("x")");
  EXPECT_EQ(json_text(to_json(std::int8_t{-1})), "-1");
  EXPECT_EQ(json_text(to_json(Shade::bright)), R"("bright")");
  EXPECT_EQ(json_text(to_json(std::vector<std::int64_t>{})), "[]");
  EXPECT_EQ(json_text(to_json(std::vector<std::string>{"a", "b"})), R"(["a", "b"])");
  EXPECT_EQ(json_text(to_json(Json(nullptr))), "null");
}

TEST(OutputVisitorTest, integers_keep_their_signedness) {
  EXPECT_TRUE(to_json(std::uint64_t{1}).is_number_unsigned());
  EXPECT_TRUE(to_json(std::int64_t{-1}).is_number_integer());
  EXPECT_TRUE(to_json(1.0).is_number_float());
}

TEST(OutputVisitorTest, a_visitor_can_be_reused_after_its_value_is_taken) {
  OutputVisitor visitor;
  std::int64_t value = 1;
  EXPECT_TRUE(visitor.type_int64("", value));
  EXPECT_EQ(visitor.take(), 1);
  EXPECT_TRUE(visitor.take().is_null());
  value = 2;
  EXPECT_TRUE(visitor.type_int64("", value));
  EXPECT_EQ(visitor.take(), 2);
}

TEST(OutputVisitorTest, an_enum_value_without_a_name_aborts) {
  EXPECT_DEATH((void)to_json(static_cast<Shade>(3)), "its description does not name");
}

// Generates reproducible values, extreme ones among them.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool flip() { return below(2) == 0; }
  std::uint64_t number() {
    constexpr std::uint64_t kEdges[] = {0, 1, std::uint64_t{1} << 63, (std::uint64_t{1} << 63) - 1,
                                        std::numeric_limits<std::uint64_t>::max()};
    return flip() ? kEdges[below(std::size(kEdges))] : engine_();
  }
  std::string text() {
    std::string s;
    for (auto length = below(6); length > 0; --length) s += "a,.=0-\"\\ \n"[below(10)];
    return s;
  }
  Leaf leaf() {
    Leaf l{text(), {}};
    if (flip()) l.weight = static_cast<std::int16_t>(number());
    return l;
  }
  Branch branch() {
    Branch b;
    b.count = static_cast<std::int64_t>(number());
    b.id = number();
    b.memory = {number()};
    b.on = flip();
    b.ratio = std::ldexp(static_cast<double>(static_cast<std::int64_t>(number())),
                         static_cast<int>(below(100)) - 80);
    b.shade = static_cast<Shade>(below(3));
    if (flip()) b.leaf = leaf();
    for (auto n = below(4); n > 0; --n) b.leaves.push_back(leaf());
    for (auto n = below(3); n > 0; --n) b.grid.emplace_back(below(4), static_cast<std::uint8_t>(number()));
    b.level = static_cast<std::uint32_t>(number());
    return b;
  }

 private:
  std::mt19937_64 engine_;
};

// Returns the value as options give it: every scalar is a string.
Json as_text(const Json& value) {
  if (value.is_string()) return value;
  if (!value.is_structured()) return json_text(value);
  Json result = value.is_array() ? Json::array() : Json::object();
  if (value.is_array()) {
    for (const auto& element : value) result.push_back(as_text(element));
  } else {
    for (const auto& [name, member] : value.items()) result[name] = as_text(member);
  }
  return result;
}

TEST(DescribeTest, a_value_is_read_back_equal_from_json_and_from_text) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const Branch branch = random.branch();
    const Json json = to_json(branch);
    SCOPED_TRACE(json_text(json));
    const auto parsed = parse_json(json_text(json));
    ASSERT_TRUE(parsed) << parsed.error().message();
    const auto again = from_json<Branch>(*parsed);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(*again, branch);
    const auto from_text = from_json<Branch>(as_text(json), {}, Scalars::text);
    ASSERT_TRUE(from_text) << from_text.error().message();
    EXPECT_EQ(*from_text, branch);
  }
}

TEST(DescribeTest, a_description_names_types_and_optional_members) {
  const TypeDescription& d = describe<Branch>();
  EXPECT_EQ(&d, &describe<Branch>()) << "made once";
  EXPECT_EQ(d.kind, TypeDescription::Kind::object);
  EXPECT_EQ(d.name, "Branch");
  std::string text;
  for (const auto& m : d.members) text += m.name + ":" + m.type->name + (m.optional ? "? " : " ");
  EXPECT_EQ(text,
            "count:int id:uint64 memory:size on:bool ratio:number shade:Shade leaf:Leaf? leaves:[Leaf] "
            "grid:[[uint8]] level:uint32? ");
  EXPECT_EQ(d.members[7].type->element, &describe<Leaf>());
  EXPECT_EQ(describe<Shade>().values, (std::vector<std::string>{"dark", "medium", "bright"}));
  EXPECT_EQ(describe<std::int8_t>().name, "int8");
  EXPECT_EQ(describe<Json>().json_type, "value");
}

}  // namespace
}  // namespace qomio

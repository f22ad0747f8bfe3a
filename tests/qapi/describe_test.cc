// SPDX-License-Identifier: GPL-2.0-or-later
// Descriptions of unusual types: recursive structs, members in a tuple, enums with gaps, embedded members.
#include "qomio/qapi/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/internal/schema/schema.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace {

using testing::HasSubstr;

// Contains lists of its own type, directly and through Forest.
struct Forest;
struct Twig {
  std::string name;
  std::vector<Twig> twigs;
  std::optional<std::vector<Forest>> forests;
  std::variant<std::string, std::vector<Twig>> either;
  static constexpr std::string_view type_name = "Twig";
  static constexpr auto members =
      member_list(member("name", &Twig::name), member_with_default("twigs", &Twig::twigs),
                  member("forests", &Twig::forests), member_with_default("either", &Twig::either));
};
struct Forest {
  std::vector<Twig> trees;
  std::optional<Json> note;
  static constexpr std::string_view type_name = "Forest";
  static constexpr auto members = member_list(member("trees", &Forest::trees), member("note", &Forest::note));
};

Json parsed(std::string_view text) { return parse_json(text).value(); }

TEST(RecursiveStruct, is_read_and_shown) {
  const Json json = parsed(R"({"name": "a", "twigs": [{"name": "b", "twigs": [], "either": "x"}],
      "forests": [{"trees": [{"name": "c", "twigs": [], "either": [{"name": "d", "twigs": [], "either": ""}]}],
                   "note": {"x": [1]}}], "either": ""})");
  auto twig = from_json<Twig>(json);
  ASSERT_TRUE(twig) << twig.error().message();
  const JsonClearer clearer(*twig);
  EXPECT_EQ(twig->twigs.at(0).name, "b");
  EXPECT_EQ(twig->forests->at(0).trees.at(0).name, "c");
  EXPECT_EQ(to_json(*twig), json);
  EXPECT_TRUE(equal(*twig, *twig));
  EXPECT_THAT(from_json<Twig>(parsed(R"({"name": "a", "twigs": [{"nme": "b"}]})")).error().message(),
              HasSubstr("twigs[0]"));
}

TEST(RecursiveStruct, is_described_whichever_part_comes_first) {
  const TypeDescription& list = describe<std::vector<Twig>>();
  const TypeDescription& either = describe<std::variant<std::string, std::vector<Twig>>>();
  const TypeDescription& twig = describe<Twig>();
  EXPECT_EQ(list.name, "[Twig]");
  EXPECT_EQ(either.name, "str or [Twig]");
  EXPECT_EQ(list.element, &twig);
  EXPECT_EQ(twig.members.at(1).type, &list);
  EXPECT_EQ(twig.members.at(3).type, &either);
  EXPECT_EQ(twig.members.at(2).type->element->members.at(0).type, &list);
}

TEST(RecursiveStruct, is_described_once_however_many_threads_ask) {
  std::vector<const TypeDescription*> seen(4);
  {
    std::vector<std::jthread> threads;
    for (auto& one : seen)
      threads.emplace_back([&one] { one = describe<Forest>().members.at(0).type->element; });
  }
  for (const auto* one : seen) EXPECT_EQ(one, &describe<Twig>());
}

TEST(RecursiveStruct, stands_in_the_schema_once) {
  CommandRegistry registry;
  registry.add(command("plant", "plants", +[](const Forest&) { return Result<Twig>(); }));
  const std::string schema = json_text(schema_json(registry, Access::full));
  EXPECT_EQ(schema.find(R"("either")"), schema.rfind(R"("either")"));
}

// A struct whose members are in a std::tuple instead of a member_list().
struct InATuple {
  std::int64_t count = 0;
  Json anything;
  static constexpr std::string_view type_name = "InATuple";
  static constexpr auto members =
      std::tuple(member("count", &InATuple::count), member_with_default("anything", &InATuple::anything));
};

TEST(MembersInATuple, are_described_read_and_written_like_those_of_a_member_list) {
  EXPECT_EQ(describe<InATuple>().members.at(1).name, "anything");
  const auto read = from_json<InATuple>(Json{{"count", 3}, {"anything", {1, 2}}});
  ASSERT_TRUE(read);
  EXPECT_EQ(json_text(to_json(*read)), R"({"count": 3, "anything": [1, 2]})");
  EXPECT_TRUE(equal(*read, *read));
  EXPECT_FALSE(equal(*read, InATuple{}));
}

enum class Level { off = -1, low = 10, high = 1000 };
enum class Lacking { a, b, c };
enum class LackingFirst { a = -1, b, c };
enum Plain { plain_a, plain_b = 7 };
enum class v7 : unsigned char { x1, x2 = 255 };
enum class Twice { a, b };
enum class NamedTwice { a, b };

}  // namespace

template <>
inline constexpr auto enum_description<Level> = EnumDescription(
    "Level", value(Level::high, "high"), value(Level::low, "low", "at night"), value(Level::off, "off"));
template <>
inline constexpr auto enum_description<Lacking> =
    EnumDescription("Lacking", value(Lacking::a, "a"), value(Lacking::b, "b"));
template <>
inline constexpr auto enum_description<LackingFirst> =
    EnumDescription("LackingFirst", value(LackingFirst::b, "b"), value(LackingFirst::c, "c"));
template <>
inline constexpr auto enum_description<Plain> =
    EnumDescription("Plain", value(plain_a, "a"), value(plain_b, "b"));
template <>
inline constexpr auto enum_description<v7> = EnumDescription("v7", value(v7::x1, "x1"), value(v7::x2, "x2"));
template <>
inline constexpr auto enum_description<Twice> =
    EnumDescription("Twice", value(Twice::a, "a"), value(Twice::b, "b"), value(Twice::a, "c"));
template <>
inline constexpr auto enum_description<NamedTwice> =
    EnumDescription("NamedTwice", value(NamedTwice::a, "a"), value(NamedTwice::b, "a"));

namespace {

TEST(Enums, are_read_and_shown_by_their_values_whatever_their_numbers_and_order_are) {
  EXPECT_EQ(to_json(std::vector{Level::off, Level::low, Level::high}), (Json{"off", "low", "high"}));
  EXPECT_EQ(*from_json<Level>("off"), Level::off);
  EXPECT_EQ(*from_json<Level>("high"), Level::high);
  EXPECT_EQ(*from_json<Plain>("b"), plain_b);
  EXPECT_EQ(*from_json<v7>("x2"), v7::x2);
  EXPECT_EQ(from_json<Level>("medium", "level").error().message(),
            "Parameter 'level' does not accept value 'medium'");
  EXPECT_EQ(enum_name(Level::low), "low");
  EXPECT_EQ(describe<Level>().values, (std::vector<std::string>{"high", "low", "off"}));
  EXPECT_EQ(describe<Level>().notes.at("low").description, "at night");
}

TEST(EnumsDeathTest, with_a_value_that_is_not_described_are_not_shown) {
  EXPECT_DEATH((void)to_json(static_cast<Level>(5)),
               "an enum has a value that its description does not name");
}

// CheckValue asserts this at compile time, so that a wrong description does not compile.
TEST(EnumDescriptions, that_lack_a_value_or_have_one_twice_are_found) {
  EXPECT_TRUE(internal::describes_all_values<Level>());
  EXPECT_TRUE(internal::describes_all_values<Plain>());
  EXPECT_TRUE(internal::describes_all_values<v7>());
  EXPECT_FALSE(internal::describes_all_values<Lacking>());
  EXPECT_FALSE(internal::describes_all_values<LackingFirst>());
  EXPECT_TRUE(internal::describes_values_once<Level>());
  EXPECT_FALSE(internal::describes_values_once<Twice>());
  EXPECT_FALSE(internal::describes_values_once<NamedTwice>());
}

TEST(ListOfBool, is_read_and_shown) {
  EXPECT_EQ(*from_json<std::vector<bool>>(Json{true, false}), (std::vector<bool>{true, false}));
  EXPECT_EQ(to_json(std::vector<bool>{false, true}), Json({false, true}));
  EXPECT_EQ(from_json<std::vector<bool>>(Json{1}, "l").error().message(),
            "Invalid parameter type for 'l[0]', expected: boolean");
  EXPECT_FALSE(equal(std::vector<bool>{true}, std::vector<bool>{false}));
}

TEST(InputVisitorOverText, takes_any_kind_of_string) {
  const auto read = [](InputVisitor visitor) {
    std::int64_t value = 0;
    EXPECT_TRUE(visit(visitor, "n", value));
    return value;
  };
  const std::string text = "41";
  EXPECT_EQ(read(InputVisitor(text)), 41);
  EXPECT_EQ(read(InputVisitor("42")), 42);
  EXPECT_EQ(read(InputVisitor(std::string_view("43"))), 43);
  EXPECT_EQ(read(InputVisitor(std::string("0000000000000000000000000000000000000000000052"))), 42);
  char writable[] = "44";
  EXPECT_EQ(read(InputVisitor(writable)), 44);
}

TEST(NamesOfFeatures, that_are_too_many_are_known_to_be) {
  const char* f = "f";
  EXPECT_FALSE((Features{f, f, f, f}).too_many());
  EXPECT_TRUE((Features{f, f, f, f, f}).too_many());
}

// Members that get their names from a table.
struct Numbers {
  std::int64_t values[2] = {};
  friend bool operator==(const Numbers&, const Numbers&) = default;
};
constexpr const char* kNumberNames[] = {"first", "second"};

Result<void> visit_numbers(Visitor& visitor, Numbers& numbers) {
  for (int i = 0; i < 2; ++i) {
    if (auto r = visit(visitor, kNumberNames[i], numbers.values[i]); !r) return r;
  }
  return {};
}

void describe_numbers(TypeDescription& type) {
  for (const char* name : kNumberNames) {
    type.members.push_back({.name = name, .type = &describe<std::int64_t>()});
  }
}

struct Tabled {
  std::string before = {};
  Numbers numbers = {};
  std::string behind = {};
  static constexpr std::string_view type_name = "Tabled";
  static constexpr auto members =
      member_list(member("before", &Tabled::before), embed(&Tabled::numbers, visit_numbers, describe_numbers),
                  member("behind", &Tabled::behind));
};

TEST(EmbeddedMembers, stand_in_their_place_among_the_others) {
  const Tabled value{.before = "b", .numbers = {{1, 2}}, .behind = "c"};
  const Json json = to_json(value);
  EXPECT_EQ(json.dump(), R"({"before":"b","first":1,"second":2,"behind":"c"})");
  EXPECT_TRUE(equal(from_json<Tabled>(json).value(), value));
  std::string names;
  for (const auto& member : describe<Tabled>().members) names += member.name + " ";
  EXPECT_EQ(names, "before first second behind ");
}

TEST(EmbeddedMembers, are_checked_as_the_others) {
  EXPECT_EQ(from_json<Tabled>(Json::parse(R"({"before": "", "first": 1, "behind": ""})")).error().message(),
            "Parameter 'second' is missing");
  EXPECT_FALSE(equal(Tabled{.numbers = {{1, 2}}}, Tabled{.numbers = {{1, 3}}}));
}

}  // namespace
}  // namespace qomio

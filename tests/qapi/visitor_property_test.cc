// SPDX-License-Identifier: GPL-2.0-or-later
// Any value of a described struct is read back equal from JSON and options; changed JSON is refused or valid.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "qomio/qapi/internal/json/input_visitor.h"
#include "qomio/qapi/internal/json/output_visitor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/keyval.h"
#include "qomio/qapi/text.h"
#include "qomio/tests/qapi/every_kind.h"

namespace qomio {
namespace visitor_property_test {

using namespace sample;

// What the values may contain: text on a command line cannot express null or untyped values except strings.
enum class Kinds { all, of_text };

std::string any_text() {
  std::string text;
  for (const auto drawn : *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::oneOf(
           rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0x10000),
           rc::gen::inRange<std::uint32_t>(0x10000, 0x110000),
           rc::gen::element<std::uint32_t>(',', '"', '\'', 0)))) {
    if (is_unicode_character(drawn)) utf8_append(text, drawn);
  }
  return text;
}

template <class T>
T any_integer() {
  using Limits = std::numeric_limits<T>;
  return *rc::gen::oneOf(rc::gen::arbitrary<T>(),
                         rc::gen::element<T>(Limits::min(), Limits::max(), T{0}, T{1}));
}

double any_double() {
  using Limits = std::numeric_limits<double>;
  const double drawn = *rc::gen::oneOf(
      rc::gen::arbitrary<double>(),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t i) { return 1.0 * i; }),
      rc::gen::element(Limits::min(), Limits::max(), Limits::lowest(), Limits::denorm_min(), 0.1, -0.0));
  return std::isfinite(drawn) ? drawn : 0;
}

std::size_t any_count(std::size_t most) { return *rc::gen::inRange<std::size_t>(0, most + 1); }

// Nested at most `depth` levels; the keys of an object are unique.
Json any_json(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return any_integer<std::int64_t>();
    case 3:
      return any_integer<std::uint64_t>();
    case 4:
      return any_double();
    case 5:
      return any_text();
    case 6: {
      Json array = Json::array();
      for (auto n = any_count(3); n > 0; --n) array.push_back(any_json(depth - 1));
      return array;
    }
    default: {
      Json object = Json::object();
      for (auto n = any_count(3); n > 0; --n) object[any_text()] = any_json(depth - 1);
      return object;
    }
  }
}

template <class T>
void fill(T& value, Kinds kinds);

template <class... Ts>
void fill_variant(std::variant<Ts...>& value, Kinds kinds) {
  auto pick = any_count(sizeof...(Ts) - 1);
  auto one = [&]<class T>(std::type_identity<T>) {
    if (pick-- != 0) return;
    T held{};
    fill(held, kinds);
    value = std::move(held);
  };
  (one(std::type_identity<Ts>()), ...);
}

// Sets the value to a random one of its type, whatever its members are.
template <class T>
void fill(T& value, Kinds kinds) {
  if constexpr (internal::Struct<T>) {
    internal::apply_list([&](const auto&... m) { (fill(value.*m.pointer, kinds), ...); }, T::members);
    if constexpr (internal::HasBranches<T>) {
      auto one = [&]<class B, class Tag>(const Branch<B, Tag>& b) {
        if (value.*T::branches.tag != b.tag) return;
        B held;
        fill(held, kinds);
        value.*T::branches.value = std::move(held);
      };
      internal::apply_list([&](const auto&... b) { (one(b), ...); }, T::branches.branches);
    }
  } else if constexpr (std::same_as<T, std::optional<std::nullptr_t>>) {
    if (kinds == Kinds::all && *rc::gen::arbitrary<bool>()) value = nullptr;
  } else if constexpr (internal::is_optional<T>) {
    if (*rc::gen::arbitrary<bool>()) fill(value.emplace(), kinds);
  } else if constexpr (internal::is_vector<T>) {
    value.resize(any_count(3));
    for (auto& element : value) fill(element, kinds);
  } else if constexpr (std::same_as<T, EveryKind::NumberOrNull>) {
    if (kinds == Kinds::all) return fill_variant(value, kinds);
    value = any_integer<std::int64_t>();
  } else if constexpr (internal::is_variant<T>) {
    fill_variant(value, kinds);
  } else if constexpr (internal::Enum<T>) {
    const auto& enumerators = enum_description<T>.enumerators;
    value = enumerators[any_count(enumerators.size() - 1)];
  } else if constexpr (std::same_as<T, Json>) {
    value = kinds == Kinds::all ? any_json(2) : Json(any_text());
  } else if constexpr (std::same_as<T, std::string>) {
    value = any_text();
  } else if constexpr (std::same_as<T, double>) {
    value = any_double();
  } else if constexpr (std::same_as<T, bool>) {
    value = *rc::gen::arbitrary<bool>();
  } else if constexpr (std::same_as<T, Size>) {
    value.bytes = any_integer<std::uint64_t>();
  } else if constexpr (std::integral<T>) {
    value = any_integer<T>();
  } else {
    static_assert(std::same_as<T, std::nullptr_t>);
  }
}

EveryKind any_value(Kinds kinds) {
  EveryKind value;
  fill(value, kinds);
  return value;
}

// Appends the value as options of a command line.
void append_options(std::string& out, const Json& value, const std::string& key) {
  if (value.is_structured() && !value.empty()) {
    std::size_t index = 0;
    for (const auto& [name, part] : value.items()) {
      const std::string last = value.is_array() ? std::to_string(index++) : name;
      append_options(out, part, key.empty() ? last : key + "." + last);
    }
    return;
  }
  std::string text;
  if (value.is_string()) {
    text = value.get<std::string>();
  } else if (value.is_boolean()) {
    text = value.get<bool>() ? "on" : "off";
  } else if (!value.is_structured()) {
    text = json_text(value);
  }
  if (!out.empty()) out += ',';
  out += key + "=";
  for (const char c : text) out += c == ',' ? ",," : std::string(1, c);
}

void require_same(const Result<EveryKind>& read, const EveryKind& value) {
  RC_ASSERT(read.has_value());
  RC_ASSERT(equal(*read, value));
  RC_ASSERT(to_json(*read) == to_json(value));
}

TEST(VisitorPropertyTest, any_value_is_read_back_equal_from_json) {
  EXPECT_TRUE(rc::check([] {
    const EveryKind value = any_value(Kinds::all);
    require_same(from_json<EveryKind>(to_json(value)), value);
    for (const std::string& text : {json_text(to_json(value)), json_pretty_text(to_json(value))}) {
      const auto json = parse_json(text);
      RC_ASSERT(json.has_value());
      require_same(from_json<EveryKind>(*json), value);
    }
  }));
}

TEST(VisitorPropertyTest, any_value_is_read_back_equal_from_a_command_line) {
  EXPECT_TRUE(rc::check([] {
    const EveryKind value = any_value(Kinds::of_text);
    std::string text;
    append_options(text, to_json(value), "");
    const auto options = parse_keyval(text);
    RC_ASSERT(options.has_value());
    require_same(from_json<EveryKind>(options->values, "", Scalars::text), value);
  }));
}

TEST(VisitorPropertyTest, copies_are_equal_and_values_with_different_json_are_not) {
  EXPECT_TRUE(rc::check([] {
    const EveryKind value = any_value(Kinds::all);
    const EveryKind other = any_value(Kinds::all);
    EveryKind copy = value;
    RC_ASSERT(equal(copy, value));
    RC_ASSERT(equal(value, other) == (to_json(value) == to_json(other)));
    copy.leaves.emplace_back();
    RC_ASSERT(!equal(copy, value));
  }));
}

TEST(VisitorPropertyTest, members_may_be_in_any_order_and_those_with_a_default_may_be_absent) {
  EXPECT_TRUE(rc::check([] {
    EveryKind value = any_value(Kinds::all);
    value.usual = 42;
    Json json = to_json(value);
    json.erase("usual");
    std::vector<std::string> names;
    for (const auto& [name, part] : json.items()) names.push_back(name);
    Json shuffled = Json::object();
    while (!names.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(any_count(names.size() - 1));
      shuffled[names[static_cast<std::size_t>(at)]] = json[names[static_cast<std::size_t>(at)]];
      names.erase(names.begin() + at);
    }
    require_same(from_json<EveryKind>(shuffled), value);
  }));
}

// Adds, replaces or removes one value at any depth. Returns the name of the outermost member containing it.
std::string mutate(Json& value) {
  Json* at = &value;
  std::string outermost;
  for (;;) {
    const auto step = at->empty() ? 0 : any_count(at->size() - 1);
    if (at->is_object() && *rc::gen::inRange(0, 6) == 0) {
      (*at)["surplus"] = any_json(1);
      return outermost.empty() ? "surplus" : outermost;
    }
    if (at->empty()) break;
    auto part = std::next(at->begin(), static_cast<std::ptrdiff_t>(step));
    if (outermost.empty()) outermost = part.key();
    if (part->is_structured() && *rc::gen::arbitrary<bool>()) {
      at = &*part;
      continue;
    }
    if (*rc::gen::inRange(0, 3) > 0) {
      *part = any_json(2);
    } else {
      at->erase(part);
    }
    return outermost;
  }
  *at = any_json(2);
  return outermost;
}

// Returns the quoted name in a message: leaf.name for `Parameter 'leaf.name' is missing`.
std::string named_in(const std::string& message) {
  const auto begin = message.find('\'') + 1;
  return message.substr(begin, message.find('\'', begin) - begin);
}

void require_refusal_or_value(const Json& json, const std::string& where, int& refused, int& taken) {
  const auto read = from_json<EveryKind>(json);
  if (read) {
    ++taken;
    return require_same(from_json<EveryKind>(to_json(*read)), *read);
  }
  ++refused;
  const std::string& message = read.error().message();
  const std::string name = named_in(message);
  // Errors about enums and small integers name only the last component, or null for an element of a list.
  const bool may_be_short = message.find("Parameter") == 0 && message.find(" is ") == std::string::npos &&
                            name.find_first_of(".[") == std::string::npos;
  RC_LOG() << message << " for " << where;
  const bool names_it = may_be_short ? !name.empty() : name.starts_with(where);
  RC_ASSERT(names_it);
}

TEST(VisitorPropertyTest, changed_json_is_either_refused_with_a_name_or_a_valid_value) {
  int refused = 0;
  int taken = 0;
  EXPECT_TRUE(rc::check([&] {
    const Json whole = to_json(any_value(Kinds::all));
    for (int i = 0; i < 10; ++i) {
      Json changed = whole;
      const std::string where = mutate(changed);
      require_refusal_or_value(changed, where, refused, taken);
    }
  }));
  EXPECT_GT(refused, 100);
  EXPECT_GT(taken, 10);
}

// Only for lists, alternates and scalars: a struct may be left half read, but from_json() does not return it.
TEST(VisitorPropertyTest, refused_input_changes_nothing) {
  EXPECT_TRUE(rc::check([] {
    const Json json = any_json(2);
    auto check = [&]<class T>(std::type_identity<T>) {
      for (const auto scalars : {Scalars::typed, Scalars::text}) {
        T value{};
        fill(value, Kinds::all);
        const T before = value;
        InputVisitor visitor(json, scalars);
        if (const auto r = visit(visitor, "x", value); !r) {
          RC_ASSERT(equal(value, before));
          RC_ASSERT(!r.error().message().empty());
        }
      }
    };
    auto check_all = [&]<class... Ts>(std::type_identity<std::tuple<Ts...>>) {
      (check(std::type_identity<Ts>()), ...);
    };
    check_all(
        std::type_identity<std::tuple<bool, std::int8_t, std::uint16_t, std::int64_t, std::uint64_t, Size,
                                      double, std::string, Colour, std::vector<std::uint8_t>,
                                      std::vector<Leaf>, EveryKind::LeafOrName, EveryKind::NumberOrNull>>());
  }));
}

}  // namespace visitor_property_test
}  // namespace qomio

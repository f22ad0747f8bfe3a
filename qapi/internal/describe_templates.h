// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/schema/type_description.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

// The bodies of the templates in qapi/describe.h.
namespace qomio {

namespace internal {

template <class T>
concept Struct = requires { T::members; };
template <class T>
concept Enum = std::is_enum_v<T> && requires { enum_description<T>.values; };

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;
template <class T>
concept HasBranches = requires { T::branches; };
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// "uint8_t", for messages.
template <std::integral T>
std::string c_integer_name() {
  return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(sizeof(T) * 8) + "_t";
}

Result<void> enum_from_text(std::string_view name, const std::string& text, const EnumValue* values,
                            std::size_t count, std::size_t& index);

TypeDescription describe_enum(std::string_view name, std::span<const EnumValue> values);

template <class M>
TypeDescription::Member describe_member(const M& m, const TypeDescription& type, bool optional) {
  return {.name = std::string(m.name),
          .type = &type,
          .optional = optional,
          .description = std::string(m.description),
          .features = {m.features.begin(), m.features.end()}};
}

inline std::string_view or_null(std::string_view name) { return name.empty() ? "null" : name; }

}  // namespace internal

namespace internal {

template <class T>
Result<void> visit_members(Visitor& visitor, T& value);

// Visits the members of the branch that the tag selects, if there is one.
template <class T>
Result<void> visit_branch(Visitor& visitor, T& value) {
  constexpr auto& branches = T::branches;
  auto& held = value.*branches.value;
  Result<void> result;
  auto one = [&]<class B, class Tag>(const Branch<B, Tag>& b) {
    if (value.*branches.tag != b.tag) return false;
    if (visitor.is_input()) held.template emplace<B>();
    invariant(std::holds_alternative<B>(held), "a union holds another branch than its tag says");
    result = visit_members(visitor, std::get<B>(held));
    return true;
  };
  const bool found =
      internal::apply_list([&](const auto&... b) { return (one(b) || ...); }, branches.branches);
  if (!found && visitor.is_input()) held = std::remove_cvref_t<decltype(held)>();
  return result;
}

template <class T>
Result<void> visit_members(Visitor& visitor, T& value) {
  Result<void> result;
  auto one = [&](const auto& m) {
    auto& field = value.*m.pointer;
    using Value = std::remove_reference_t<decltype(field)>;
    if constexpr (requires { m.visit; }) {
      result = m.visit(visitor, field);
    } else if constexpr (is_optional<Value>) {
      if (!visitor.optional(m.name, field.has_value())) return true;
      if (!field) field.emplace();
      result = visit(visitor, m.name, *field);
    } else {
      if (m.has_default && !visitor.optional(m.name, true)) return true;
      result = visit(visitor, m.name, field);
    }
    return result.has_value();
  };
  if (!internal::apply_list([&](const auto&... m) { return (one(m) && ...); }, T::members)) return result;
  if constexpr (HasBranches<T>) return visit_branch(visitor, value);
  return result;
}

template <class T>
Result<void> visit_struct(Visitor& visitor, std::string_view name, T& value) {
  if (auto r = visitor.start_struct(name); !r) return r;
  if (auto r = visit_members(visitor, value); !r) return r;
  return visitor.end_struct();
}

constexpr unsigned bit(JsonKind kind) { return 1U << static_cast<unsigned>(kind); }

// The kinds of JSON values that a T can be read from.
template <class T>
constexpr unsigned json_kinds() {
  if constexpr (std::same_as<T, std::nullptr_t>) {
    return bit(JsonKind::null);
  } else if constexpr (std::same_as<T, bool>) {
    return bit(JsonKind::boolean);
  } else if constexpr (std::integral<T> || std::same_as<T, Size>) {
    return bit(JsonKind::integer);
  } else if constexpr (std::same_as<T, double>) {
    return bit(JsonKind::integer) | bit(JsonKind::number);
  } else if constexpr (std::same_as<T, std::string> || Enum<T>) {
    return bit(JsonKind::string);
  } else if constexpr (is_vector<T>) {
    return bit(JsonKind::array);
  } else {
    static_assert(Struct<T>, "an alternate of this type is not told apart by JSON");
    return bit(JsonKind::object);
  }
}

template <class... Ts>
std::string alternate_text(const std::variant<Ts...>* /*type*/);

template <class... Ts>
Result<void> visit_alternate(Visitor& visitor, std::string_view name, std::variant<Ts...>& value) {
  static_assert((json_kinds<Ts>() + ...) == (json_kinds<Ts>() | ...), "JSON can't tell these apart");
  if (!visitor.is_input()) {
    return std::visit([&](auto& held) { return visit(visitor, name, held); }, value);
  }
  auto kind = visitor.next_kind(name);
  if (!kind) return failure(kind);
  std::optional<Result<void>> first;  // result of the first attempt, or of the one that succeeded
  auto attempt = [&]<class T>(std::type_identity<T>, unsigned kinds) {
    if (!(json_kinds<T>() & kinds)) return false;
    T read{};
    const JsonClearer clearer(read);
    auto r = visit(visitor, name, read);
    const bool done = r.has_value();
    if (done) value = std::move(read);
    if (!first || done) first = std::move(r);
    // On the command line a string may also be another scalar; values of other kinds are not tried again.
    return done || *kind != JsonKind::string;
  };
  if ((attempt(std::type_identity<Ts>(), bit(*kind)) || ...)) return *first;
  if (*kind == JsonKind::string) {
    constexpr unsigned kTexts = ~bit(JsonKind::string);
    const bool has_text = first.has_value();
    if ((attempt(std::type_identity<Ts>(), kTexts) || ...)) return *first;
    if (has_text) return *first;
  }
  return visitor.wrong_kind(name, alternate_text(&value));
}

template <class T>
Result<void> visit_list(Visitor& visitor, std::string_view name, std::vector<T>& list) {
  if (auto r = visitor.start_list(name); !r) return r;
  if (visitor.is_input()) {
    std::vector<T> elements;
    const JsonClearer clearer(elements);  // clears what was read before an error
    while (visitor.next_element()) {
      T element{};
      const JsonClearer element_clearer(element);
      if (auto r = visit(visitor, {}, element); !r) return r;
      elements.push_back(std::move(element));
    }
    list.swap(elements);
  } else {
    for (auto&& element : list) {
      if constexpr (std::same_as<T, bool>) {  // std::vector<bool> has no bool to refer to
        bool value = element;
        if (auto r = visit(visitor, {}, value); !r) return r;
      } else {
        if (auto r = visit(visitor, {}, element); !r) return r;
      }
    }
  }
  return visitor.end_list();
}

// Returns true if the enum has an enumerator with this value. The compiler writes other values as a cast,
// `(Colour)7`.
template <auto value>
constexpr bool is_enumerator() {
  std::string_view text = __PRETTY_FUNCTION__;
  while (text.ends_with(']') || (text.back() >= '0' && text.back() <= '9')) text.remove_suffix(1);
  return !text.ends_with(')');
}

// Returns true if the description names every enumerator and their values are 0, 1, 2, ...
template <class E>
constexpr bool describes_all_values() {
  constexpr std::size_t kCount = enum_description<E>.values.size();
  constexpr bool kNamed = []<std::size_t... i>(std::index_sequence<i...>) {
    return (is_enumerator<static_cast<E>(i)>() && ...);
  }(std::make_index_sequence<kCount>());
  // Without a fixed underlying type, casting a value beyond the last enumerator may not be a constant
  // expression.
  if constexpr (requires { E{0}; }) {
    return kNamed && !is_enumerator<static_cast<E>(kCount)>();
  } else {
    return kNamed;
  }
}

template <std::integral T>
Result<void> visit_small_integer(Visitor& visitor, std::string_view name, T& value) {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  auto wide = static_cast<Wide>(value);  // NOLINT(bugprone-signed-char-misuse): int8 is a number here
  Result<void> r;
  if constexpr (std::is_signed_v<T>) {
    r = visitor.type_int64(name, wide);
  } else {
    r = visitor.type_uint64(name, wide);
  }
  if (!r) return r;
  if (!std::in_range<T>(wide)) return error("Parameter '{}' expects {}", or_null(name), c_integer_name<T>());
  value = static_cast<T>(wide);
  return {};
}

}  // namespace internal

template <class T>
Result<void> visit(Visitor& visitor, std::string_view name, T& value) {
  if constexpr (std::same_as<T, bool>) {
    return visitor.type_bool(name, value);
  } else if constexpr (std::same_as<T, std::string>) {
    return visitor.type_str(name, value);
  } else if constexpr (std::same_as<T, double>) {
    return visitor.type_number(name, value);
  } else if constexpr (std::same_as<T, std::int64_t>) {
    return visitor.type_int64(name, value);
  } else if constexpr (std::same_as<T, std::uint64_t>) {
    return visitor.type_uint64(name, value);
  } else if constexpr (std::integral<T>) {
    return internal::visit_small_integer(visitor, name, value);
  } else if constexpr (std::same_as<T, Size>) {
    return visitor.type_size(name, value.bytes);
  } else if constexpr (std::same_as<T, Json>) {
    return visitor.type_any(name, value);
  } else if constexpr (internal::Enum<T>) {
    static_assert(internal::describes_all_values<T>(),
                  "an EnumDescription has a name for each value of the enum, and these are 0, 1, 2, ...");
    constexpr auto& description = enum_description<T>;
    std::size_t index = static_cast<std::size_t>(value);
    std::string text;
    if (!visitor.is_input()) {
      invariant(index < description.values.size(), "an enum has a value that its description does not name");
      text = description.values[index].name;
    }
    if (auto r = visitor.type_str(name, text); !r) return r;
    if (!visitor.is_input()) return {};
    auto r =
        internal::enum_from_text(name, text, description.values.data(), description.values.size(), index);
    if (r) value = static_cast<T>(index);
    return r;
  } else if constexpr (std::same_as<T, std::nullptr_t>) {
    return visitor.type_null(name);
  } else if constexpr (internal::is_variant<T>) {
    return internal::visit_alternate(visitor, name, value);
  } else if constexpr (internal::is_vector<T>) {
    return internal::visit_list(visitor, name, value);
  } else {
    static_assert(internal::Struct<T>, "describe this type: see the top of qapi/describe.h");
    return internal::visit_struct(visitor, name, value);
  }
}

namespace internal {

// Returns the description in `place`, creating it on first use: `make` names it and may describe its parts;
// `fill`, if not null, adds the rest, which may refer to the type itself.
const TypeDescription& describe_once(const TypeDescription*& place, TypeDescription (*make)(),
                                     void (*fill)(TypeDescription&));

template <class T>
const TypeDescription& describe_once(TypeDescription (*make)(), void (*fill)(TypeDescription&) = nullptr) {
  static const TypeDescription* description = nullptr;
  return describe_once(description, make, fill);
}

template <class... Ts>
TypeDescription describe_alternate(const std::variant<Ts...>* type) {
  return alternate_type(alternate_text(type), {&describe<Ts>()...});
}

template <class T>
void describe_branches(TypeDescription& d) {
  constexpr auto& branches = T::branches;
  using Tag = std::remove_cvref_t<decltype(std::declval<T>().*branches.tag)>;
  auto find_tag = [&]<class Value>(const Member<T, Value>& m) {
    if constexpr (std::same_as<Value, Tag>) {
      if (m.pointer == branches.tag) d.tag = m.name;
    }
  };
  internal::apply_list([&](const auto&... m) { (find_tag(m), ...); }, T::members);
  auto one = [&]<class B>(const Branch<B, Tag>& b) {
    const auto& value = enum_description<Tag>.values[static_cast<std::size_t>(b.tag)];
    d.variants.push_back({std::string(value.name), &describe<B>()});
  };
  internal::apply_list([&](const auto&... b) { (one(b), ...); }, branches.branches);
}

template <class... Ts>
std::string alternate_text(const std::variant<Ts...>* /*type*/) {
  if (!alternate_name<std::variant<Ts...>>.empty()) return std::string(alternate_name<std::variant<Ts...>>);
  std::string text;
  ((text += (text.empty() ? "" : " or ") + describe<Ts>().name), ...);
  return text;
}

}  // namespace internal

template <class T>
bool equal(const T& a, const T& b) {
  if constexpr (internal::Struct<T>) {
    auto one = [&](const auto& m) { return equal(a.*m.pointer, b.*m.pointer); };
    if (!internal::apply_list([&](const auto&... m) { return (one(m) && ...); }, T::members)) return false;
    if constexpr (internal::HasBranches<T>) return equal(a.*T::branches.value, b.*T::branches.value);
    return true;
  } else if constexpr (internal::is_vector<T>) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!equal<typename T::value_type>(a[i], b[i])) return false;
    }
    return true;
  } else if constexpr (internal::is_optional<T>) {
    return a.has_value() == b.has_value() && (!a || equal(*a, *b));
  } else if constexpr (internal::is_variant<T>) {
    if (a.index() != b.index()) return false;
    return std::visit([&]<class V>(const V& held) { return equal(held, std::get<V>(b)); }, a);
  } else {
    return a == b;
  }
}

template <class T>
const TypeDescription& describe() {
  if constexpr (std::same_as<T, bool>) {
    return builtin_type("bool");
  } else if constexpr (std::same_as<T, std::string>) {
    return builtin_type("str");
  } else if constexpr (std::same_as<T, double>) {
    return builtin_type("number");
  } else if constexpr (std::same_as<T, Size>) {
    return builtin_type("size");
  } else if constexpr (std::same_as<T, std::int64_t>) {
    return builtin_type("int");
  } else if constexpr (std::integral<T>) {
    return internal::describe_once<T>([] { return integer_type(std::is_signed_v<T>, sizeof(T) * 8); });
  } else if constexpr (std::same_as<T, Json>) {
    return builtin_type("any");
  } else if constexpr (std::same_as<T, std::nullptr_t>) {
    return builtin_type("null");
  } else if constexpr (internal::is_variant<T>) {
    return internal::describe_once<T>(
        [] { return internal::describe_alternate(static_cast<const T*>(nullptr)); });
  } else if constexpr (internal::Enum<T>) {
    return internal::describe_once<T>(
        [] { return internal::describe_enum(enum_description<T>.name, enum_description<T>.values); });
  } else if constexpr (internal::is_vector<T>) {
    return internal::describe_once<T>([] { return list_type(describe<typename T::value_type>()); });
  } else {
    constexpr bool kIsDescribed = requires {
      T::type_name;
      T::members;
    };
    static_assert(kIsDescribed,
                  "describe this type: give it type_name and members, as the top of qapi/describe.h shows");
    if constexpr (kIsDescribed) {
      constexpr auto fill = [](TypeDescription& d) {
        auto one = [&](const auto& m) {
          using Value = std::remove_reference_t<decltype(std::declval<T&>().*m.pointer)>;
          if constexpr (requires { m.visit; }) {
            m.describe(d);
          } else if constexpr (internal::is_optional<Value>) {
            d.members.push_back(internal::describe_member(m, describe<typename Value::value_type>(), true));
          } else {
            d.members.push_back(internal::describe_member(m, describe<Value>(), m.has_default));
          }
        };
        internal::apply_list([&](const auto&... m) { (one(m), ...); }, T::members);
        if constexpr (internal::HasBranches<T>) internal::describe_branches<T>(d);
      };
      return internal::describe_once<T>([] { return struct_type(T::type_name); }, fill);
    } else {
      return empty_type();
    }
  }
}

template <class T>
void add_member(TypeDescription& type, std::string_view name, std::string_view description) {
  type.members.push_back(
      {.name = std::string(name), .type = &describe<T>(), .description = std::string(description)});
}

}  // namespace qomio

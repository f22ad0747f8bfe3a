// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/internal/enum_templates.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/internal/schema/type_description.h"
#include "qomio/qapi/internal/value_checks.h"
#include "qomio/qapi/internal/value_templates.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

// The bodies of the templates in qapi/describe.h.
namespace qomio {

namespace internal {

// "uint8_t", for messages.
template <std::integral T>
std::string c_integer_name() {
  return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(sizeof(T) * 8) + "_t";
}

template <class M>
TypeDescription::Member describe_member(const M& m, const TypeDescription& type, bool optional) {
  return {.name = std::string(m.name),
          .type = &type,
          .optional = optional,
          .description = std::string(m.description),
          .features = {m.features.begin(), m.features.end()}};
}

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
  if constexpr (HasTraits<T>) {
    return json_kinds<typename ValueTraits<T>::Wire>();
  } else if constexpr (std::same_as<T, std::nullptr_t>) {
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
    static_assert(Struct<T> || Map<T>, "an alternate of this type is not told apart by JSON");
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
  if (!std::in_range<T>(wide)) {
    return error("Parameter '{}' expects {}", or_null(name), c_integer_name<T>());
  }
  value = static_cast<T>(wide);
  return {};
}

}  // namespace internal

template <class T>
Result<void> visit(Visitor& visitor, std::string_view name, T& value) {
  static_assert(internal::CheckValue<T>::done);
  if constexpr (internal::HasTraits<T>) {
    return internal::visit_traits(visitor, name, value);
  } else if constexpr (std::same_as<T, bool>) {
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
    return internal::visit_enum(visitor, name, value);
  } else if constexpr (std::same_as<T, std::nullptr_t>) {
    return visitor.type_null(name);
  } else if constexpr (internal::is_variant<T>) {
    return internal::visit_alternate(visitor, name, value);
  } else if constexpr (internal::is_vector<T>) {
    return internal::visit_list(visitor, name, value);
  } else if constexpr (internal::is_optional<T>) {
    return internal::visit_optional(visitor, name, value);
  } else if constexpr (internal::Map<T>) {
    return internal::visit_map(visitor, name, value);
  } else {
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
    d.variants.push_back({std::string(enum_name(b.tag)), &describe<B>()});
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
  if constexpr (internal::HasTraits<T>) {
    return equal<typename ValueTraits<T>::Wire>(ValueTraits<T>::to_wire(a), ValueTraits<T>::to_wire(b));
  } else if constexpr (internal::Struct<T>) {
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
  } else if constexpr (!std::same_as<T, Json> && internal::Map<T>) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, element] : a) {
      const auto other = b.find(key);
      if (other == b.end() || !equal(element, other->second)) return false;
    }
    return true;
  } else if constexpr (internal::is_variant<T>) {
    if (a.index() != b.index()) return false;
    return std::visit([&]<class V>(const V& held) { return equal(held, std::get<V>(b)); }, a);
  } else {
    return a == b;
  }
}

template <class T>
const TypeDescription& describe() {
  static_assert(internal::CheckValue<T>::done);
  if constexpr (internal::HasTraits<T>) {
    using Wire = typename ValueTraits<T>::Wire;
    if constexpr (internal::HasTypeName<T>) {
      return internal::describe_once<T>(
          [] { return internal::named_type(ValueTraits<T>::type_name, describe<Wire>()); });
    } else {
      return describe<Wire>();
    }
  } else if constexpr (std::same_as<T, bool>) {
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
  } else if constexpr (internal::is_optional<T>) {
    return internal::describe_once<T>(
        [] { return internal::optional_type(describe<typename T::value_type>()); });
  } else if constexpr (internal::Map<T>) {
    return internal::describe_once<T>([] { return map_type(describe<typename T::mapped_type>()); });
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

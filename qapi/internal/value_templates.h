// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/value_traits.h"
#include "qomio/qapi/visitor.h"

// Values that are visited as another type (qapi/value_traits.h), optional values and maps.
namespace qomio::internal {

template <class T>
concept HasTraits = !std::same_as<T, Json> && requires { sizeof(ValueTraits<T>); };
template <class T>
concept HasWire = HasTraits<T> && requires { typename ValueTraits<T>::Wire; };
template <class T>
concept HasToText = requires(const T& value) {
  { ValueTraits<T>::to_text(value) } -> std::convertible_to<std::string>;
};
template <class T>
concept HasFromText = requires(const std::string& text) {
  { ValueTraits<T>::from_text(text) } -> std::same_as<Result<T>>;
};
template <class T>
concept HasTypeName = requires { ValueTraits<T>::type_name; };

template <class T>
concept Struct = requires { T::members; };
template <class T>
concept HasBranches = requires { T::branches; };
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// Puts `Parameter 'name' ` in front of what a ValueTraits says.
std::unexpected<Error> refused(const Visitor& visitor, std::string_view name, Error error);

template <class T>
Result<void> take_read(const Visitor& visitor, std::string_view name, Result<T> read, T& value) {
  if (!read) return refused(visitor, name, std::move(read).error());
  value = std::move(*read);
  return {};
}

template <class T>
Result<void> visit_traits(Visitor& visitor, std::string_view name, T& value) {
  using Traits = ValueTraits<T>;
  if constexpr (HasToText<T>) {
    if (visitor.is_text(name)) {
      std::string text;
      if (!visitor.is_input()) text = Traits::to_text(value);
      if (auto r = visitor.type_str(name, text); !r || !visitor.is_input()) return r;
      return take_read(visitor, name, Traits::from_text(text), value);
    }
  }
  typename Traits::Wire wire{};
  const JsonClearer clearer(wire);
  if (!visitor.is_input()) wire = Traits::to_wire(value);
  if (auto r = visit(visitor, name, wire); !r || !visitor.is_input()) return r;
  return take_read(visitor, name, Traits::from_wire(std::move(wire)), value);
}

// True if the visitor reads null. As text, that is `null`.
Result<bool> next_is_null(Visitor& visitor, std::string_view name);

template <class T>
Result<void> visit_optional(Visitor& visitor, std::string_view name, std::optional<T>& value) {
  if (!visitor.is_input()) {
    return value ? visit(visitor, name, *value) : visitor.type_null(name);
  }
  auto is_null = next_is_null(visitor, name);
  if (!is_null) return failure(is_null);
  std::optional<T> read;
  const JsonClearer clearer(read);
  if (!*is_null) {
    if (auto r = visit(visitor, name, read.emplace()); !r) return r;
  }
  value.swap(read);
  return {};
}

template <class T>
Result<void> visit_map(Visitor& visitor, std::string_view name, T& map) {
  if (auto r = visitor.start_struct(name); !r) return r;
  if (visitor.is_input()) {
    T elements;
    const JsonClearer clearer(elements);  // clears what was read before an error
    std::string key;
    while (visitor.next_member(key)) {
      typename T::mapped_type element{};
      const JsonClearer element_clearer(element);
      if (auto r = visit(visitor, key, element); !r) return r;
      elements.insert_or_assign(key, std::move(element));
    }
    std::swap(map, elements);
  } else {
    for (auto& [key, element] : map) {
      if (auto r = visit(visitor, key, element); !r) return r;
    }
  }
  return visitor.end_struct();
}

// The description of a value that is an integer, text, … under another name.
TypeDescription named_type(std::string_view name, const TypeDescription& wire);
TypeDescription optional_type(const TypeDescription& value);

}  // namespace qomio::internal

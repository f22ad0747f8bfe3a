// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

// The destructor of Json allocates memory; if that fails, the process ends, since a destructor must not
// throw. Values that come from clients or are sent to them are therefore cleared before they are destroyed.
namespace qomio {

// Makes the value null. Needs no memory, and no more stack for deeper values.
void json_clear(Json& value) noexcept;

// Copies into a value that is null. If memory runs out, that value holds a part, which its owner must clear.
void json_copy(const Json& from, Json& to);

// Appends a member to an object that has none of this name, and returns its value, which is null. If memory
// runs out, the object is unchanged. The JSON library's own functions copy all values when an object grows,
// and destroy the old ones.
Json& json_add_member(Json& object, std::string name);

namespace internal {

template <class... Ts>
struct Types {};

template <class Class, class Value>
Value value_of(Value Class::* pointer);
template <class Indices, class... Members, class... More>
Types<decltype(value_of(std::declval<Members>().pointer))..., More...> types_of(
    const List<Indices, Members...>& members, Types<More...> more);
template <class... Members, class... More>
Types<decltype(value_of(std::declval<Members>().pointer))..., More...> types_of(
    const std::tuple<Members...>& members, Types<More...> more);

// A std::map or another container of its kind.
template <class T>
concept Map = requires {
  typename T::key_type;
  typename T::mapped_type;
};

// The types of which a value of type T consists.
template <class T>
struct Parts : std::type_identity<Types<>> {};
template <class T>
struct Parts<std::optional<T>> : std::type_identity<Types<T>> {};
template <class T>
struct Parts<std::vector<T>> : std::type_identity<Types<T>> {};
template <class T, std::size_t N>
struct Parts<std::array<T, N>> : std::type_identity<Types<T>> {};
template <Map T>
struct Parts<T> : std::type_identity<Types<typename T::mapped_type>> {};
template <class... Ts>
struct Parts<std::variant<Ts...>> : std::type_identity<Types<Ts...>> {};
template <class T>
  requires(
      requires { T::members; } && !requires { T::branches; })
struct Parts<T> : std::type_identity<decltype(types_of(T::members, Types<>()))> {};
template <class T>
  requires requires { T::members, T::branches; }
struct Parts<T>
    : std::type_identity<decltype(types_of(T::members, Types<decltype(value_of(T::branches.value))>()))> {};

// A struct may contain a list of its own type, so types in Seen are not searched again.
template <class T, class... Seen>
constexpr bool holds_json() {
  if constexpr (std::is_same_v<T, Json>) {
    return true;
  } else if constexpr ((std::is_same_v<T, Seen> || ...)) {
    return false;
  } else {
    return []<class... Ps>(std::type_identity<Types<Ps...>>) {
      return (holds_json<Ps, T, Seen...>() || ...);
    }(std::type_identity<typename Parts<T>::type>());
  }
}
template <class T>
struct HoldsJson : std::bool_constant<holds_json<T>()> {};

}  // namespace internal

// Clears the Json values in a value of a described type, which are found at compile time.
template <class T>
void clear_json_in(T& value) noexcept;
template <class T>
void clear_json_in(std::optional<T>& value) noexcept;
template <class T>
void clear_json_in(std::vector<T>& values) noexcept;
template <class T, std::size_t N>
void clear_json_in(std::array<T, N>& values) noexcept;
template <class... Ts>
void clear_json_in(std::variant<Ts...>& value) noexcept;

template <class T>
void clear_json_in(std::optional<T>& value) noexcept {
  if (value) clear_json_in(*value);
}
template <class T>
void clear_json_in(std::vector<T>& values) noexcept {
  if constexpr (internal::HoldsJson<T>::value) {
    for (auto& value : values) clear_json_in(value);
  }
}
template <class T, std::size_t N>
void clear_json_in(std::array<T, N>& values) noexcept {
  for (auto& value : values) clear_json_in(value);
}
template <class... Ts>
void clear_json_in(std::variant<Ts...>& value) noexcept {
  std::visit([](auto& held) { clear_json_in(held); }, value);
}
template <class T>
void clear_json_in(T& value) noexcept {
  if constexpr (std::is_same_v<T, Json>) {
    json_clear(value);
  } else if constexpr (internal::Map<T>) {
    if constexpr (internal::HoldsJson<T>::value) {
      for (auto& [key, element] : value) clear_json_in(element);
    }
  } else if constexpr (internal::HoldsJson<T>::value) {
    internal::apply_list([&](const auto&... m) { (clear_json_in(value.*m.pointer), ...); }, T::members);
    if constexpr (requires { T::branches; }) clear_json_in(value.*T::branches.value);
  }
}
template <class T>
void clear_json_in(Result<T>& result) noexcept {
  if constexpr (!std::is_void_v<T>) {
    if (result) clear_json_in(*result);
  }
}

// Calls clear_json_in() at the end of a scope.
template <class T>
class JsonClearer {
 public:
  explicit JsonClearer(T& value) : value_(value) {}
  JsonClearer(const JsonClearer&) = delete;
  JsonClearer& operator=(const JsonClearer&) = delete;
  ~JsonClearer() { clear_json_in(value_); }

 private:
  T& value_;
};

}  // namespace qomio

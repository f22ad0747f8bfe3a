// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

// Constants that describe a C++ type, as the example in qapi/describe.h shows.
namespace qomio {

namespace internal {

// Up to N names; too_many() returns true if there were more. In a constant, more names do not compile.
template <std::size_t N>
class Names {
 public:
  constexpr Names() = default;
  constexpr Names(std::initializer_list<std::string_view> names) {
    for (auto name : names) add(name);
  }
  constexpr const std::string_view* begin() const { return names_.data(); }
  constexpr const std::string_view* end() const { return names_.data() + count_; }
  constexpr bool too_many() const { return too_many_; }

 private:
  constexpr void add(std::string_view name) {
    if (count_ < N) {
      names_[count_++] = name;
    } else {
      overflow();
    }
  }
  void overflow() { too_many_ = true; }  // not constexpr, so that it does not compile in a constant

  std::array<std::string_view, N> names_{};
  std::size_t count_ = 0;
  bool too_many_ = false;
};

// Values of different types, like a std::tuple, which takes ten times as long to compile.
template <std::size_t index, class T>
struct Slot {
  T value;
};
template <class Indices, class... Ts>
struct List;
template <std::size_t... index, class... Ts>
struct List<std::index_sequence<index...>, Ts...> : Slot<index, Ts>... {};

template <class... Ts>
using ListOf = List<std::index_sequence_for<Ts...>, Ts...>;

template <class... Ts>
constexpr ListOf<Ts...> list_of(Ts... values) {
  return {{values}...};
}

// Calls the function with all values.
template <class Function, std::size_t... index, class... Ts>
constexpr auto apply_list(const Function& function, const List<std::index_sequence<index...>, Ts...>& list) {
  return function(static_cast<const Slot<index, Ts>&>(list).value...);
}
template <class Function, class... Ts>
constexpr auto apply_list(const Function& function, const std::tuple<Ts...>& list) {
  return std::apply(function, list);
}

}  // namespace internal

// Up to four features of a command, member or value. CompatPolicy in qapi/command_registry.h handles
// `deprecated` and `unstable`; others let clients detect in the schema whether something is supported.
using Features = internal::Names<4>;

template <class Class, class Value>
struct Member {
  std::string_view name;
  Value Class::* pointer;
  bool has_default;                   // input: may be left out; the variable then keeps its initial value
  std::string_view description = {};  // for people, one line, no final full stop
  Features features = {};

  constexpr Member with(Features added) const {
    Member changed = *this;
    changed.features = added;
    return changed;
  }
};

template <class Class, class Value>
constexpr Member<Class, Value> member(std::string_view name, Value Class::* pointer,
                                      std::string_view description = {}) {
  return {name, pointer, false, description};
}

// A member that may be left out; it then keeps the value that the struct's initialiser gives it.
template <class Class, class Value>
constexpr Member<Class, Value> member_with_default(std::string_view name, Value Class::* pointer,
                                                   std::string_view description = {}) {
  return {name, pointer, true, description};
}

// The members of a struct, in the order in which they are shown. A std::tuple of them is accepted, too, but
// compiles more slowly.
template <class... Members>
constexpr internal::ListOf<Members...> member_list(Members... members) {
  static_assert((requires { members.pointer; } && ...),
                "the members of a struct are described by member(), member_with_default() and embed()");
  return internal::list_of(members...);
}

// What clients see of one value of an enum.
struct EnumValue {
  std::string_view name;
  std::string_view description = {};  // for people, one line, no final full stop
  Features features = {};
};

// One value of an enum and what clients see of it.
template <class E>
struct Enumerator {
  E value;
  EnumValue shown;
};

template <class E>
constexpr Enumerator<E> value(E enumerator, std::string_view name, std::string_view description = {},
                              Features features = {}) {
  return {enumerator, {name, description, features}};
}

namespace internal {

enum class NoEnum {};  // stands for the enum of a description that is not made of value()
template <class... Values>
struct EnumOf : std::type_identity<NoEnum> {};
template <class E, class... Values>
struct EnumOf<Enumerator<E>, Values...> : std::type_identity<E> {};

}  // namespace internal

// The values of an enum, in the order in which they are shown. Each is described, whatever its number is.
template <class E, std::size_t N>
struct EnumDescription {
  template <class... Values>
  constexpr explicit EnumDescription(std::string_view type_name, Values... described) : name(type_name) {
    constexpr bool kIsOfValues = N > 0 && (std::is_same_v<Values, Enumerator<E>> && ...);
    static_assert(kIsOfValues, "the values of an enum are described by value(Level::low, \"low\")");
    if constexpr (kIsOfValues) {
      std::size_t i = 0;
      ((enumerators[i] = described.value, values[i] = described.shown, ++i), ...);
    }
  }
  std::string_view name;
  std::array<E, N> enumerators{};
  std::array<EnumValue, N> values{};
};
template <class... Values>
EnumDescription(std::string_view, Values...)
    -> EnumDescription<typename internal::EnumOf<Values...>::type, sizeof...(Values)>;

// Describes an enum: specialise it as the top of qapi/describe.h shows.
template <class E>
inline constexpr auto enum_description = nullptr;

// A branch of a union: the struct whose members the union has for this value of the tag.
template <class T, class Tag>
struct Branch {
  using type = T;
  Tag tag;
};

template <class T, class Tag>
constexpr Branch<T, Tag> branch(Tag tag) {
  return {tag};
}

// A flat union: the tag, one of the struct's members, selects which described struct a std::variant holds;
// the members of that struct appear beside the others. A tag value without a branch adds no members; the
// variant then holds its first alternative, std::monostate.
//
//     struct Shape {
//       ShapeKind kind = ShapeKind::point;
//       std::variant<std::monostate, Circle, Square> more;
//       static constexpr std::string_view type_name = "Shape";
//       static constexpr auto members = member_list(member("kind", &Shape::kind));
//       static constexpr auto branches =
//           union_of(&Shape::kind, &Shape::more, branch<Circle>(ShapeKind::circle),
//                    branch<Square>(ShapeKind::square));
//     };
template <class Class, class Tag, class Variant, class... Branches>
struct Union {
  Tag Class::* tag;
  Variant Class::* value;
  internal::ListOf<Branches...> branches;
};

template <class Class, class Tag, class Variant, class... Branches>
constexpr Union<Class, Tag, Variant, Branches...> union_of(Tag Class::* tag, Variant Class::* value,
                                                           Branches... branches) {
  return {tag, value, internal::list_of(branches...)};
}

// The name of an alternate, a std::variant of types that JSON can tell apart, as clients see it:
//
//     template <>
//     inline constexpr std::string_view alternate_name<std::variant<std::string, Options>> = "FileRef";
template <class Variant>
inline constexpr std::string_view alternate_name = {};

}  // namespace qomio

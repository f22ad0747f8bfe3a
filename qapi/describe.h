// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "qomio/qapi/error.h"
#include "qomio/qapi/internal/schema/type_description.h"
#include "qomio/qapi/member.h"
#include "qomio/qapi/visitor.h"

// One description of a C++ type provides strict JSON input, JSON output, command-line input, the schema and
// the help:
//
//     struct IOThreadInfo {
//       std::string id;
//       std::int64_t thread_id = 0;
//       std::optional<std::string> note;  // may be left out
//       static constexpr std::string_view type_name = "IOThreadInfo";
//       static constexpr auto members = member_list(member("id", &IOThreadInfo::id),
//                                                   member("thread-id", &IOThreadInfo::thread_id, "0: none"),
//                                                   member("note", &IOThreadInfo::note));
//     };
//
//     enum class Level { off = 0, low = 10, high = 100 };
//     template <>
//     inline constexpr auto enum_description<Level> =
//         EnumDescription("Level", value(Level::off, "off"), value(Level::low, "low", "for the night"),
//                         value(Level::high, "high"));   // a forgotten enumerator does not compile
//
// A member may have any type that visit() accepts; other types become such ones by qapi/value_traits.h. A
// struct may have branches, see union_of(). Copying a value clones it; equal() compares.
namespace qomio {

// Members that a table describes, in place of one member: `visit` and `describe` both loop over the table.
// Not allowed in a struct with branches.
//
//     static constexpr auto members = member_list(
//         member("id", &IOThreadInfo::id),
//         embed(&IOThreadInfo::params, visit_configured, describe_configured));
template <class Class, class Part>
struct Embedded {
  Part Class::* pointer;
  Result<void> (*visit)(Visitor& visitor, Part& part);
  void (*describe)(TypeDescription& type);  // adds the members
};

template <class Class, class Part>
constexpr Embedded<Class, Part> embed(Part Class::* pointer, Result<void> (*visit)(Visitor&, Part&),
                                      void (*describe)(TypeDescription&)) {
  return {pointer, visit, describe};
}

// An unsigned number of bytes. Text may have a suffix (4K, 1.5M), and help shows the type as `size`.
struct Size {
  std::uint64_t bytes = 0;
  auto operator<=>(const Size&) const = default;
};

// Visits
// - a bool, string, integer, float, double, Size, null, or any JSON value;
// - a described enum or struct;
// - a type with ValueTraits (qapi/value_traits.h), such as a duration or a path;
// - a std::vector or std::array of these;
// - a std::map<std::string, T>: an object whose members have any names. The schema shows it as `any`;
// - a std::optional<T>: null if it is empty; in text `null`, also for strings. As a member of a struct it is
//   left out instead;
// - an alternate, which is a std::variant of these types that JSON can tell apart. From text, an alternate
//   tries its string or enum first and then its other types, in order.
template <class T>
Result<void> visit(Visitor& visitor, std::string_view name, T& value);

namespace internal {

// visit() of a T whose type is erased: `value` points to the T.
using VisitValue = Result<void> (*)(Visitor& visitor, std::string_view name, void* value);
template <class T>
Result<void> visit_value(Visitor& visitor, std::string_view name, void* value) {
  return visit(visitor, name, *static_cast<T*>(value));
}

}  // namespace internal

// Returns the description of T for introspection and help, created once. A struct may contain a list of its
// own type. Thread-safe.
template <class T>
const TypeDescription& describe();

// Adds a member whose value is a T; for the `describe` function of embed().
template <class T>
void add_member(TypeDescription& type, std::string_view name, std::string_view description);

// The name that clients see for a value of a described enum. Aborts if the value is not described.
template <class E>
std::string_view enum_name(E value);

// Compares two values member by member. For described types, which need no operator==.
template <class T>
bool equal(const T& a, const T& b);

}  // namespace qomio

#include "qomio/qapi/internal/describe_templates.h"

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace qomio {

// A type as clients see it: the common source of query-qmp-schema, help texts and generated pages. A value;
// types refer to each other by address, so the descriptions that it refers to must outlive it.
struct TypeDescription {
  enum class Kind { builtin, enumeration, list, map, object, alternate };

  struct Member {
    std::string name;
    const TypeDescription* type;
    bool optional = false;
    std::string description = {};
    std::vector<std::string> features = {};
    std::string default_text = {};  // JSON, for people; empty if there is none or it is not known
  };
  // The description and features of one value of an enumeration.
  struct ValueNotes {
    std::string description;
    std::vector<std::string> features;
  };
  struct Variant {
    std::string tag_value;
    const TypeDescription* type;
  };

  Kind kind = Kind::builtin;
  // builtin: int, uint8, str, number, bool, size, any, null, or that of a ValueTraits, such as milliseconds
  std::string name;
  std::string json_type;                     // builtin: int, string, number, boolean, value, null
  std::vector<std::string> values;           // enumeration
  std::map<std::string, ValueNotes> notes;   // enumeration: only for values that have any
  const TypeDescription* element = nullptr;  // list, map
  std::vector<Member> members;               // object
  std::string tag;  // object: the member that selects the variant; empty if there are no variants
  std::vector<Variant> variants;
  std::vector<const TypeDescription*> alternatives;  // alternate: distinguished by the kind of the JSON value
};

// One of int, str, number, bool, size, any, null.
const TypeDescription& builtin_type(std::string_view name);
TypeDescription integer_type(bool is_signed, unsigned bits);
TypeDescription enum_type(std::string_view name, std::vector<std::string> values);
TypeDescription list_type(const TypeDescription& element);
// An object whose members have any names and are all of one type.
TypeDescription map_type(const TypeDescription& element);
TypeDescription struct_type(std::string_view name);
TypeDescription alternate_type(std::string_view name, std::vector<const TypeDescription*> alternatives);
// An object without members: no arguments, or no result.
const TypeDescription& empty_type();

}  // namespace qomio

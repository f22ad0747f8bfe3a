// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/tools/qomctl/client.h"

namespace qomio::qomctl {

// A property, as described by qom-list or qom-list-properties.
struct PropertyInfo {
  std::string name;
  std::string type;
  std::string description;    // empty if the server sends none
  std::string default_value;  // as text; empty if the server sends none
  std::string range;          // "0..63", "0.." without an upper limit; empty if the server sends none
  bool is_read_only = false;  // always false with QEMU, which does not send it

  // Returns the type of a child or the target type of a link: "iothread" for "child<iothread>"; "" for other
  // properties.
  std::string child_type() const;
  std::string link_type() const;
};

// Return the properties of the object at `path`, or of objects of a type.
Outcome<std::vector<PropertyInfo>> object_properties(Client& client, const std::string& path);
Outcome<std::vector<PropertyInfo>> type_properties(Client& client, const std::string& type);

// Converts typed text to the JSON value for the property of this name, according to its listed type. If it is
// not listed, uses value_of_any_type().
Json property_value(const std::vector<PropertyInfo>& properties, const std::string& name,
                    const std::string& text);

// Returns a hint such as "; the server lists 'cpus' as 'int' only: ..." if a value was refused because of its
// JSON type, since a property may take a list or structure that its listed type does not show; else "".
std::string type_hint(const std::vector<PropertyInfo>& properties, const std::string& name,
                      std::string_view refusal);

// Returns "; did you mean 'poll-max-ns'?" if no property has this name, but one has a similar name; else "".
std::string property_hint(const std::vector<PropertyInfo>& properties, const std::string& name);

}  // namespace qomio::qomctl

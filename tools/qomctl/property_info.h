// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/tools/qomctl/client.h"

namespace qomio::qomctl {

// A property as qom-list and qom-list-properties tell of it.
struct PropertyInfo {
  std::string name;
  std::string type;
  std::string description;    // empty where the server gives none
  std::string default_value;  // as text; empty where the server gives none
  std::string range;          // "0..63", "0.." without an upper end; empty where the server gives none
  bool is_read_only = false;  // QEMU does not say

  // The type of a child or the target type of a link: "iothread" of "child<iothread>"; "" for other
  // properties.
  std::string child_type() const;
  std::string link_type() const;
};

// The properties of the object at `path`, or those that objects of a type will have.
Outcome<std::vector<PropertyInfo>> object_properties(Client& client, const std::string& path);
Outcome<std::vector<PropertyInfo>> type_properties(Client& client, const std::string& type);

// The typed text as the JSON value that the property of this name wants, as far as its listed type tells; see
// value_of_any_type() where it is not listed.
Json property_value(const std::vector<PropertyInfo>& properties, const std::string& name,
                    const std::string& text);

// "; the server lists 'cpus' as 'int' only: ...", for a value that was refused because of its JSON type:
// there are lists and structures of which the server's lists tell nothing. "" for other refusals.
std::string type_hint(const std::vector<PropertyInfo>& properties, const std::string& name,
                      std::string_view refusal);

// "; did you mean 'poll-max-ns'?" when there is no property of this name but one of a similar name; else "".
std::string property_hint(const std::vector<PropertyInfo>& properties, const std::string& name);

}  // namespace qomio::qomctl

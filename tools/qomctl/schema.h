// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/tools/qomctl/client.h"

namespace qomio::qomctl {

// An argument of a command, from the server's schema.
struct Argument {
  std::string name;
  std::string
      value_type;  // for typed_value(): "int", "boolean", "string", "value" (anything), "object", "[int]"
  std::string type_text;  // for people: "int", "'sync' | 'write-back'", "[string]", "{…}"
  std::string help = {};  // its meaning, unit and range; empty if the server does not say
  bool optional = false;
};

// The reply to query-qmp-schema: the server's commands and their arguments. Owns the reply.
class Schema {
 public:
  static Outcome<Schema> read(Client& client);

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) = delete;
  ~Schema();

  bool has_command(std::string_view name) const;
  std::vector<std::string> command_names() const;
  // Returns what the command does, in one line; empty if the server, such as QEMU, does not say.
  std::string description(std::string_view command) const;
  // In the schema's order, including the members of all variants of the argument type.
  std::vector<Argument> arguments(std::string_view command) const;

 private:
  explicit Schema(Json entities);
  const Json* find(std::string_view name) const;
  void add_members(const std::string& type, std::vector<Argument>& arguments,
                   std::set<std::string>& seen) const;
  Argument argument(const Json& member, int depth = 0) const;

  std::vector<Json> entities_;
};

}  // namespace qomio::qomctl

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/tools/qomctl/client.h"

namespace qomio::qomctl {

// A command's argument, from the server's own schema.
struct Argument {
  std::string name;
  std::string
      value_type;  // for typed_value(): "int", "boolean", "string", "value" (anything), "object", "[int]"
  std::string type_text;  // for people: "int", "'sync' | 'write-back'", "[string]", "{…}"
  std::string help = {};  // what it means, with its unit and range; empty where the server does not say
  bool optional = false;
};

// What query-qmp-schema answered: the server's commands and what they take. Owns that answer.
class Schema {
 public:
  static Outcome<Schema> read(Client& client);

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) = delete;
  ~Schema();

  bool has_command(std::string_view name) const;
  std::vector<std::string> command_names() const;
  // What the command does, in one line; empty where the server, such as QEMU, does not say.
  std::string description(std::string_view command) const;
  // In the schema's order, those of all variants of the argument type included.
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

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "qomio/qapi/interface.h"
#include "qomio/qapi/json.h"

// The configuration of a program: the objects that users made, as a JSON text that makes them again:
//
//     {"objects": [{"qom-type": "iothread", "id": "io0", "poll-max-ns": 16384}]}
//
// Each element has the members of object-add. Thread: the main thread.
namespace qomio {

struct Config {
  std::vector<Json> objects;
  static constexpr std::string_view type_name = "Config";
  static constexpr auto members =
      std::tuple(member_with_default("objects", &Config::objects, "the arguments of object-add for each"));
};

// What is running: objects in the order in which they can be made again (what they link to first), each with
// those properties that can be set and read, and are not what a new object has. Objects that are made by
// others, below them, are theirs to make. Errors: those of reading a property.
Result<Config> query_config();

// Makes the objects of a configuration, all or none. Errors begin with the name and the place, as
// `a.json:3:5: Parameter 'poll' is unexpected`.
Result<void> load_config(std::string_view text, std::string_view name);
// The same from a file. Errors: also the system's.
Result<void> load_config_file(const std::string& path);

// Adds query-config.
void add_config_command(Interface& interface);

}  // namespace qomio

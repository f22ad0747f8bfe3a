// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"

// The configuration of a program: what users made and set, as a JSON text that does the same again:
//
//     {"objects": [{"qom-type": "iothread", "id": "io0", "poll-max-ns": 16384}]}
//
// Thread: the main thread.
namespace qomio {

class CommandRegistry;

// The arguments of qom-set-many.
struct ConfigSettings {
  std::string path;
  Json properties;
  static constexpr std::string_view type_name = "ConfigSettings";
  static constexpr auto members =
      member_list(member("path", &ConfigSettings::path, "of the object"),
                  member("properties", &ConfigSettings::properties, "an object of names and values"));
};

struct ConfigLoss {
  std::string path;
  std::string property;
  std::string reason;
  static constexpr std::string_view type_name = "ConfigLoss";
  static constexpr auto members =
      member_list(member("path", &ConfigLoss::path, "of the object"),
                  member("property", &ConfigLoss::property, "that was set but is not saved"),
                  member("reason", &ConfigLoss::reason, "for people"));
};

struct Config {
  std::optional<std::vector<std::string>> load_modules;
  std::vector<Json> objects;
  std::optional<std::vector<ConfigSettings>> settings;
  std::optional<std::vector<ConfigLoss>> not_saved;
  static constexpr std::string_view type_name = "Config";
  static constexpr auto members =
      member_list(member("load-modules", &Config::load_modules, "modules to load first"),
                  member_with_default("objects", &Config::objects, "the arguments of object-add for each"),
                  member("settings", &Config::settings, "properties to set once all objects exist"),
                  member("not-saved", &Config::not_saved, "what the configuration can't save"));
};

// What is running:
// - objects that users made, in the order in which they can be made again (what they link to first), each
//   with those properties that somebody set or that are not what their declaration says;
// - as settings, what only can be set when all objects are there: links that lead round in a ring, properties
//   called as an argument of object-add is, and what was set of objects that others make, such as parts;
// - what was set and can't be saved, by name: what can't be read, or be written as JSON, or set again.
// Runs getters, but makes no object. Never fails. Not known to it is what a type's complete() asks for beyond
// what its setters and hooks refuse: a type that can't be completed without a link must not let it be set to
// its own object, or round in a ring, else the text can't be loaded.
Result<Config> query_config();

// Makes and sets what a configuration says, all or none; modules stay, and add their commands to the
// registry. What is "not-saved" is remembered, so that the next query-config tells it again. Errors begin
// with the name and the place, as `a.json:3:5: Parameter 'poll' is unexpected`.
Result<void> load_config(CommandRegistry& commands, std::string_view text, std::string_view name);
// The same from a file. Errors: also the system's.
Result<void> load_config_file(CommandRegistry& commands, const std::string& path);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/describe.h"
#include "qomio/qapi/json.h"

// The configuration of a program: the objects that users created and the properties that were set, as JSON
// text from which they can be created and set again:
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

// Returns the current configuration:
// - as objects, the objects that users created, in an order in which they can be created again (targets of
//   links first), each with the properties that were set or whose value differs from the declared default;
// - as settings, the properties that can be set only after all objects exist: links that form a cycle,
//   properties named like an argument of object-add, own properties of an object, and properties set on
//   objects that users did not create, such as parts;
// - as not-saved, the names of properties that were set but cannot be saved, because they cannot be read,
//   written as JSON, or set again.
// Calls getters, but makes no object. Never fails. Does not know what complete() of a type requires beyond
// what its setters and hooks refuse: if complete() needs a link, the type must refuse to set that link to the
// object itself or so that it closes a cycle; otherwise the text cannot be loaded.
Result<Config> query_config();

// Creates the objects and sets the properties of a configuration, all or none, except that modules stay
// loaded and write-only properties are not restored. Modules add their commands to the registry. Write-only
// properties listed as "not-saved" are remembered, so that the next query-config lists them again. Errors
// begin with the name and the position, for example `a.json:3:5: Parameter 'poll' is unexpected`.
Result<void> load_config(CommandRegistry& commands, std::string_view text, std::string_view name);
// The same from a file, whose path is the name. Errors: also those of opening and reading the file.
Result<void> load_config_file(CommandRegistry& commands, const std::string& path);

}  // namespace qomio

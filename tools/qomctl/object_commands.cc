// SPDX-License-Identifier: GPL-2.0-or-later
// The commands that make, read, change and delete objects.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "qomio/tools/qomctl/assignment.h"
#include "qomio/tools/qomctl/commands.h"
#include "qomio/tools/qomctl/property_info.h"
#include "qomio/tools/qomctl/render.h"
#include "qomio/tools/qomctl/suggestion.h"
#include "qomio/tools/qomctl/table.h"

namespace qomio::qomctl {

namespace {

using Properties = std::vector<PropertyInfo>;

struct PropertyValue {
  std::string name;
  Json value;
};

Outcome<> set_one(Client& client, const std::string& path, const PropertyValue& property) {
  auto set =
      client.execute("qom-set", {{"path", path}, {"property", property.name}, {"value", property.value}});
  if (!set) return failure(set);
  return {};
}

// Sets all or none where the server has a command for that; else one after another, and says so.
Outcome<> set_several(Client& client, const std::string& path, const std::vector<PropertyValue>& properties) {
  Json object = Json::object();
  for (const auto& [name, value] : properties) object[name] = value;
  auto at_once = client.execute("qom-set-many", {{"path", path}, {"properties", object}});
  if (at_once) return {};
  if (at_once.error().error_class != "CommandNotFound") return failure(at_once);

  Output::note("this server has no all-or-nothing set; the properties are set one after another");
  std::string done;
  for (const auto& property : properties) {
    if (auto set = set_one(client, path, property); !set) {
      set.error().message += done.empty() ? " (nothing was set)" : fmt::format(" (already set: {})", done);
      return set;
    }
    done += (done.empty() ? "" : ", ") + property.name;
  }
  return {};
}

// Name and value of each readable property. One request where the server has qom-list-get, else one for each.
Outcome<Json> read_all(Client& client, const std::string& path, const Properties& properties) {
  Json values = Json::object();
  const auto listed = client.execute("qom-list-get", {{"paths", Json::array({path})}});
  if (listed && listed->is_array() && listed->size() == 1) {
    for (const auto& item : listed->front().value("properties", Json::array())) {
      if (item.contains("name") && item["name"].is_string() && item.contains("value")) {
        values[item["name"].get_ref<const std::string&>()] = item["value"];
      }
    }
    return values;
  }
  if (!listed && listed.error().status != ExitStatus::server_error) return listed;
  for (const auto& property : properties) {
    auto value = client.execute("qom-get", {{"path", path}, {"property", property.name}});
    if (value) {
      values[property.name] = std::move(*value);
    } else if (value.error().status != ExitStatus::server_error) {
      return value;
    }  // else a property that can only be written
  }
  return values;
}

}  // namespace

Outcome<> run_get(Client& client, Words words) {
  const std::string& path = words[0];
  if (words.size() == 2) {
    auto value = client.execute("qom-get", {{"path", path}, {"property", words[1]}});
    if (!value) {
      if (auto properties = object_properties(client, path)) {
        value.error().message += property_hint(*properties, words[1]);
      }
      return failure(value);
    }
    client.output().value(*value);
    return {};
  }

  auto properties = object_properties(client, path);
  if (!properties) return failure(properties);
  auto values = read_all(client, path, *properties);
  if (!values) return failure(values);
  if (client.output().json) {
    client.output().value(*values);
    return {};
  }
  // Descriptions belong to the type; not every server gives them.
  Properties described;
  if (values->contains("type") && (*values)["type"].is_string()) {
    if (auto of_type = type_properties(client, (*values)["type"].get<std::string>())) described = *of_type;
  }
  Table table;
  for (const auto& property : *properties) {
    const auto found = std::ranges::find(described, property.name, &PropertyInfo::name);
    const std::string& description =
        property.description.empty() && found != described.end() ? found->description : property.description;
    const Json value = values->value(property.name, Json());
    table.add_row({{printable(property.name)}, {cell_text(value)}, {printable(description)}});
  }
  Output::text(table.text(client.output().colour));
  return {};
}

Outcome<> run_set(Client& client, Words words) {
  const std::string& path = words[0];
  std::vector<Assignment> assignments;
  if (words.size() == 3 && words[1].find('=') == std::string::npos) {
    assignments.push_back({words[1], words[2]});
  } else {
    auto parsed = parse_assignments(words.subspan(1));
    if (!parsed) return failure(parsed);
    assignments = std::move(*parsed);
  }

  auto properties = object_properties(client, path);
  if (!properties) return failure(properties);
  std::vector<PropertyValue> values;
  std::string hint;
  for (const auto& [name, text] : assignments) {
    values.push_back({name, property_value(*properties, name, text)});
    if (hint.empty()) hint = property_hint(*properties, name);
  }
  auto set = values.size() == 1 ? set_one(client, path, values[0]) : set_several(client, path, values);
  if (!set) set.error().message += hint;
  return set;
}

Outcome<> run_add(Client& client, Words words) {
  const std::string& type = words[0];
  auto assignments = parse_assignments(words.subspan(2));
  if (!assignments) return failure(assignments);

  // Without a type of that name object-add will say what is wrong.
  auto properties = type_properties(client, type);
  if (!properties && properties.error().status != ExitStatus::server_error) return failure(properties);
  const Properties known = properties.value_or(Properties());
  Json arguments{{"qom-type", type}, {"id", words[1]}};
  std::string hint;
  for (const auto& [name, text] : *assignments) {
    arguments[name] = property_value(known, name, text);
    if (hint.empty()) hint = property_hint(known, name);
  }
  auto added = client.execute("object-add", arguments);
  if (added) return {};
  if (!properties) {
    std::vector<std::string> names;
    if (const auto types = client.execute("qom-list-types", {{"implements", "user-creatable"}})) {
      for (const auto& item : *types) names.push_back(cell_text(item.value("name", Json())));
    }
    hint = did_you_mean(type, names);
  }
  added.error().message += hint;
  return failure(added);
}

Outcome<> run_del(Client& client, Words words) {
  auto deleted = client.execute("object-del", {{"id", words[0]}});
  if (!deleted) return failure(deleted);
  return {};
}

}  // namespace qomio::qomctl

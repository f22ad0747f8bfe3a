// SPDX-License-Identifier: GPL-2.0-or-later
// The commands that create, read, change and delete objects.
#include <fmt/format.h>

#include <algorithm>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/assignment.h"
#include "qomio/tools/qomctl/commands.h"
#include "qomio/tools/qomctl/json_member.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/property_info.h"
#include "qomio/tools/qomctl/render.h"
#include "qomio/tools/qomctl/suggestion.h"
#include "qomio/tools/qomctl/table.h"
#include "qomio/tools/qomctl/typed_value.h"

namespace qomio::qomctl {

namespace {

using Properties = std::vector<PropertyInfo>;

// Returns true if the server, such as QEMU, has no commands that read and write properties as text.
bool knows_no_text(const Failure& failure) { return failure.error_class == "CommandNotFound"; }

// Suggests a name for the first unknown property that resembles a known one; "" if there is none.
std::string hint_for(const Properties& properties, std::span<const Assignment> assignments) {
  std::string hint;
  for (const auto& [name, text] : assignments) {
    if (hint.empty()) hint = property_hint(properties, name);
  }
  return hint;
}

// Prints how the values of properties of unknown type were sent.
void note_unlisted(const Properties& properties, std::span<const Assignment> assignments) {
  for (const auto& [name, text] : assignments) {
    if (std::ranges::find(properties, name, &PropertyInfo::name) != properties.end()) continue;
    const bool is_string = value_of_any_type(text).is_string();
    Output::note(fmt::format("the server does not list the type of '{}'; its value was sent as {}", name,
                             is_string ? "a string" : "JSON"));
  }
}

// Sets the properties, converted to the types that the server lists: all or none if the server has a command
// for that, otherwise one after another, with a note.
Outcome<> set_typed(Client& client, const std::string& path, const Properties& properties,
                    std::span<const Assignment> assignments) {
  Json values = Json::object();
  for (const auto& [name, text] : assignments) values[name] = property_value(properties, name, text);
  if (values.size() > 1) {
    auto at_once = client.execute("qom-set-many", {{"path", path}, {"properties", values}});
    if (at_once) {
      note_unlisted(properties, assignments);
      return {};
    }
    if (at_once.error().error_class != "CommandNotFound") return failure(at_once);
    Output::note("this server can't set several properties at once; they are set one after another");
  }
  std::string done;
  for (const auto& [name, value] : values.items()) {
    auto set = client.execute("qom-set", {{"path", path}, {"property", name}, {"value", value}});
    if (!set) {
      set.error().message += type_hint(properties, name, set.error().message);
      if (values.size() > 1) {
        set.error().message += done.empty() ? " (nothing was set)" : fmt::format(" (already set: {})", done);
      }
      return failure(set);
    }
    done += (done.empty() ? "" : ", ") + name;
  }
  note_unlisted(properties, assignments);
  return {};
}

// Creates the object, with properties converted to the types that the server lists. If the object's type does
// not exist, object-add reports that.
Outcome<Json> add_typed(Client& client, const std::string& type, const std::string& id,
                        std::span<const Assignment> assignments) {
  auto properties = type_properties(client, type);
  if (!properties && properties.error().status != ExitStatus::server_error) return failure(properties);
  Json arguments{{"qom-type", type}, {"id", id}};
  const Properties known = properties.value_or(Properties());
  for (const auto& [name, text] : assignments) arguments[name] = property_value(known, name, text);
  auto added = client.execute("object-add", arguments);
  if (added) {
    note_unlisted(known, assignments);
    return added;
  }
  for (const auto& [name, text] : assignments) {
    added.error().message += type_hint(known, name, added.error().message);
  }
  return added;
}

// Returns the name and the value of each readable property, as JSON. Sends one request if the server has
// qom-list-get, otherwise one for each property.
Outcome<Json> read_all(Client& client, const std::string& path, const Properties& properties) {
  Json values = Json::object();
  const auto listed = client.execute("qom-list-get", {{"paths", Json::array({path})}});
  if (listed && listed->is_array() && listed->size() == 1) {
    for (const auto& item : json_member(listed->front(), "properties")) {
      if (item.contains("value")) values[string_member(item, "name")] = item["value"];
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
    }  // else the property cannot be read
  }
  return values;
}

// Returns the properties as text, by name; null for a property that cannot be read.
Outcome<Json> read_texts(Client& client, const Json& arguments) {
  auto listed = client.execute("qom-get-text", arguments);
  if (!listed) return listed;
  Json texts = Json::object();
  for (const auto& item : *listed) texts[string_member(item, "name")] = json_member(item, "text");
  return texts;
}

Outcome<> get_one(Client& client, const std::string& path, const std::string& property) {
  const Json arguments{{"path", path}, {"property", property}};
  Outcome<Json> value{Json()};
  bool is_text = !client.output().json;
  if (is_text) {
    value = read_texts(client, arguments);
    is_text = value || !knows_no_text(value.error());
    if (value) value = json_member(*value, property.c_str());
  }
  if (!is_text) value = client.execute("qom-get", arguments);
  if (value) {
    client.output().value(*value);
    return {};
  }
  if (value.error().status == ExitStatus::server_error) {
    if (auto properties = object_properties(client, path)) {
      value.error().message += property_hint(*properties, property);
    }
  }
  return failure(value);
}

}  // namespace

Outcome<> run_get(Client& client, Words words) {
  const std::string& path = words[0];
  if (words.size() == 2) return get_one(client, path, words[1]);

  auto properties = object_properties(client, path);
  if (!properties) return failure(properties);
  Outcome<Json> values{Json()};
  bool is_text = !client.output().json;
  if (is_text) {
    values = read_texts(client, {{"path", path}});
    is_text = values || !knows_no_text(values.error());
  }
  if (!is_text) values = read_all(client, path, *properties);
  if (!values) return failure(values);
  if (client.output().json) {
    client.output().value(*values);
    return {};
  }
  // Descriptions come from the type; not every server sends them.
  Properties described;
  if (const std::string type = string_member(*values, "type"); !type.empty()) {
    if (auto of_type = type_properties(client, type)) described = *of_type;
  }
  Table table;
  for (const auto& property : *properties) {
    const auto found = std::ranges::find(described, property.name, &PropertyInfo::name);
    const std::string& description =
        property.description.empty() && found != described.end() ? found->description : property.description;
    const Json& value = json_member(*values, property.name.c_str());
    table.add_row({{printable(property.name)}, {cell_text(value)}, {printable(description)}});
  }
  client.output().text(table.text(client.output().colour));
  return {};
}

Outcome<> run_set(Client& client, Words words) {
  const std::string& path = words[0];
  std::vector<Assignment> assignments;
  Outcome<Json> members;
  if (words.size() == 3 && words[1].find('=') == std::string::npos) {
    assignments.push_back({words[1], words[2]});
    members = names_and_values(assignments);
  } else {
    auto parsed = parse_assignments(words.subspan(1));
    if (!parsed) return failure(parsed);
    assignments = std::move(*parsed);
    members = text_members(assignments);
  }

  // Keys that form no structure may be names with dots, which QEMU has; QEMU does not read text.
  const Json properties_to_set = members ? *members : names_and_values(assignments);
  auto set = client.execute("qom-set-text", {{"path", path}, {"properties", properties_to_set}});
  if (set) return {};
  if (set.error().status != ExitStatus::server_error) return failure(set);
  if (!members && !knows_no_text(set.error())) return failure(members);
  auto properties = object_properties(client, path);
  Outcome<> refused = failure(set);
  if (knows_no_text(refused.error())) {
    if (!properties) return failure(properties);
    refused = set_typed(client, path, *properties, assignments);
  }
  if (!refused && properties) refused.error().message += hint_for(*properties, assignments);
  return refused;
}

Outcome<> run_add(Client& client, Words words) {
  const std::string& type = words[0];
  auto assignments = parse_assignments(words.subspan(2));
  if (!assignments) return failure(assignments);
  for (const auto& [name, text] : *assignments) {
    if (name == "id" || name == "qom-type") {
      return fail(ExitStatus::usage, "'{}' is not a property: write TYPE and ID in front of the properties",
                  name);
    }
  }
  auto members = text_members(*assignments);

  Json arguments{{"qom-type", type}, {"id", words[1]}};
  if (!assignments->empty()) arguments["properties"] = members ? *members : names_and_values(*assignments);
  auto added = client.execute("object-add-text", arguments);
  if (!added && !members && !knows_no_text(added.error())) return failure(members);
  if (!added && knows_no_text(added.error())) added = add_typed(client, type, words[1], *assignments);
  if (added) return {};
  if (added.error().status != ExitStatus::server_error) return failure(added);
  std::string hint;
  if (added.error().message == "Parameter 'id' expects an identifier") {
    hint = ": a letter, then letters, digits, '-', '.' or '_'";  // QMP errors contain no hints
  } else if (auto properties = type_properties(client, type)) {
    hint = hint_for(*properties, *assignments);
  } else if (const auto types = client.execute("qom-list-types", {{"implements", "user-creatable"}})) {
    std::vector<std::string> names;
    for (const auto& item : *types) names.push_back(string_member(item, "name"));
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

// SPDX-License-Identifier: GPL-2.0-or-later
// `tree`: prints the objects below a path, with their types and links.
#include <fmt/format.h>
#include <langinfo.h>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/commands.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/property_info.h"
#include "qomio/tools/qomctl/render.h"

namespace qomio::qomctl {

namespace {

// The pieces of the drawing, for UTF-8 locales and for all others.
struct Strokes {
  std::string_view branch, last_branch, trunk, nothing, arrow;
};
constexpr Strokes kUnicode{"├─ ", "└─ ", "│  ", "   ", " → "};
constexpr Strokes kAscii{"|- ", "`- ", "|  ", "   ", " -> "};

// Returns true if no further request can succeed, since the failure is not an error reply of the server.
bool ends_session(const Failure& failure) { return failure.status != ExitStatus::server_error; }

// Returns {"name", "type", "links": {name: path}, "children": […]} for the object and everything below it.
Outcome<Json> read_node(Client& client, const std::string& path, const std::string& name,
                        const std::string& type) {
  auto properties = object_properties(client, path);
  if (!properties) return failure(properties);
  Json node{{"name", name}, {"type", type}, {"links", Json::object()}, {"children", Json::array()}};
  for (const auto& property : *properties) {
    if (!property.link_type().empty()) {
      auto target = client.execute("qom-get", {{"path", path}, {"property", property.name}});
      if (!target && ends_session(target.error())) return failure(target);
      node["links"][property.name] = target ? std::move(*target) : Json();
    } else if (!property.child_type().empty()) {
      const std::string child_path = path + (path.ends_with('/') ? "" : "/") + property.name;
      auto child = read_node(client, child_path, property.name, property.child_type());
      if (!child && ends_session(child.error())) return failure(child);
      if (child) node["children"].push_back(std::move(*child));  // else it was deleted meanwhile
    }
  }
  return node;
}

std::string faint(const std::string& text, bool colour) {
  return colour ? "\033[2m" + text + "\033[0m" : text;
}

std::string label(const Json& node, bool colour) {
  const std::string type = cell_text(node["type"]);
  return cell_text(node["name"]) +
         (type == "container" || type == "-" ? "" : faint(" (" + type + ")", colour));
}

void draw_below(const Json& node, const std::string& indent, const Strokes& strokes, bool colour,
                std::string& drawing) {
  std::size_t left = node["links"].size() + node["children"].size();
  for (const auto& [name, target] : node["links"].items()) {
    const bool last = --left == 0;
    drawing += fmt::format("{}{}{}{}\n", indent, last ? strokes.last_branch : strokes.branch, printable(name),
                           faint(std::string(strokes.arrow) + cell_text(target), colour));
  }
  for (const auto& child : node["children"]) {
    const bool last = --left == 0;
    drawing +=
        fmt::format("{}{}{}\n", indent, last ? strokes.last_branch : strokes.branch, label(child, colour));
    draw_below(child, indent + std::string(last ? strokes.nothing : strokes.trunk), strokes, colour, drawing);
  }
}

}  // namespace

Outcome<> run_tree(Client& client, Words words) {
  const std::string path = words.empty() ? "/" : words[0];
  auto type = client.execute("qom-get", {{"path", path}, {"property", "type"}});
  if (!type && ends_session(type.error())) return failure(type);
  auto root = read_node(client, path, path, type ? cell_text(*type) : "");
  if (!root) return failure(root);
  if (client.output().json) {
    client.output().value(*root);
    return {};
  }
  const bool utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
  std::string drawing = label(*root, client.output().colour) + "\n";
  draw_below(*root, "", utf8 ? kUnicode : kAscii, client.output().colour, drawing);
  client.output().text(drawing);
  return {};
}

}  // namespace qomio::qomctl

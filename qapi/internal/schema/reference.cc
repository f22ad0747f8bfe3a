// SPDX-License-Identifier: GPL-2.0-or-later

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/introspection.h"

namespace qomio {
namespace {

using Type = TypeDescription;

// Writes sections, and collects the types that they mention.
class ReferenceWriter {
 public:
  void add(const Command& command) {
    heading(command.name, command.description);
    std::vector<std::string> notes;
    if (command.is_query) notes.emplace_back("changes nothing");
    if (command.allow_oob) notes.emplace_back("may be sent out of band");
    if (command.ends_server) notes.emplace_back("the server answers no request after it");
    add_features(notes, command.features);
    if (!notes.empty()) text_ += fmt::format("*{}*\n\n", fmt::join(notes, "; "));
    add_members("Arguments", command.arguments());
    const Type& result = command.result();
    if (!is_empty(result)) text_ += fmt::format("Returns: {}\n\n", mention(result));
  }

  void add(const Event& event) {
    heading(event.name, event.description);
    std::vector<std::string> notes;
    if (event.on_request) notes.emplace_back("sent on request: see subscribe-events");
    add_features(notes, event.features);
    if (!notes.empty()) text_ += fmt::format("*{}*\n\n", fmt::join(notes, "; "));
    add_members("Data", event.data());
  }

  // Adds the types that were mentioned, and the types that these mention in turn.
  void add_types() {
    std::map<std::string, std::string> sections;
    while (!mentioned_.empty()) {
      const auto [name, type] = *mentioned_.begin();
      mentioned_.erase(mentioned_.begin());
      if (sections.contains(name)) continue;
      sections[name];  // added first, since the type may mention itself
      const std::string before = std::exchange(text_, {});
      add_type(*type);
      sections[name] = std::exchange(text_, before);
    }
    for (const auto& [name, section] : sections) text_ += section;
  }

  void chapter(std::string_view title) { text_ += fmt::format("## {}\n\n", title); }
  void line(std::string_view line) { text_ += fmt::format("{}\n", line); }
  std::string take() {
    if (text_.ends_with("\n\n")) text_.pop_back();
    return std::move(text_);
  }

 private:
  static bool is_empty(const Type& type) {
    return type.kind == Type::Kind::object && type.members.empty() && type.variants.empty();
  }

  // Escapes a text for a cell of a table.
  static std::string cell(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
      if (c == '|' || c == '<') escaped += '\\';
      escaped += c;
    }
    return escaped;
  }

  static void add_features(std::vector<std::string>& notes, const std::vector<std::string>& features) {
    notes.insert(notes.end(), features.begin(), features.end());
  }

  void heading(std::string_view name, std::string_view description) {
    text_ += fmt::format("### {}\n\n", name);
    if (!description.empty()) text_ += fmt::format("{}\n\n", cell(description));
  }

  // Returns the type as it appears in a sentence, with a link to its section.
  std::string mention(const Type& type) {
    switch (type.kind) {
      case Type::Kind::builtin:
        return fmt::format("`{}`", type.name);
      case Type::Kind::list:
        return fmt::format("list of {}", mention(*type.element));
      case Type::Kind::map:
        return fmt::format("map of {}", mention(*type.element));
      default:
        break;
    }
    mentioned_.try_emplace(type.name, &type);
    std::string anchor;
    for (const char c : type.name) anchor += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return fmt::format("[{}](#{})", type.name, anchor);
  }

  void add_row(const Type::Member& member) {
    std::vector<std::string> notes;
    if (!member.description.empty()) notes.push_back(cell(member.description));
    if (!member.default_text.empty()) {
      notes.push_back(fmt::format("default `{}`", cell(member.default_text)));
    } else if (member.optional) {
      notes.emplace_back("optional");
    }
    for (const auto& feature : member.features) notes.push_back(fmt::format("*{}*", feature));
    text_ += fmt::format("| `{}` | {} | {} |\n", member.name, mention(*member.type), fmt::join(notes, "; "));
  }

  void add_members(std::string_view title, const Type& type) {
    if (is_empty(type)) return;
    text_ += fmt::format("| {} | type | |\n|---|---|---|\n", title);
    for (const auto& member : type.members) add_row(member);
    text_ += '\n';
    for (const auto& variant : type.variants) {
      if (is_empty(*variant.type)) continue;
      add_members(fmt::format("with `{}` `{}` also", type.tag, variant.tag_value), *variant.type);
    }
  }

  void add_values(const Type& type) {
    text_ += "| Value | |\n|---|---|\n";
    for (const auto& value : type.values) {
      std::vector<std::string> notes;
      if (const auto it = type.notes.find(value); it != type.notes.end()) {
        if (!it->second.description.empty()) notes.push_back(cell(it->second.description));
        for (const auto& feature : it->second.features) notes.push_back(fmt::format("*{}*", feature));
      }
      text_ += fmt::format("| `{}` | {} |\n", value, fmt::join(notes, "; "));
    }
    text_ += '\n';
  }

  void add_type(const Type& type) {
    heading(type.name, {});
    if (type.kind == Type::Kind::enumeration) {
      add_values(type);
    } else if (type.kind == Type::Kind::alternate) {
      std::vector<std::string> mentions;
      mentions.reserve(type.alternatives.size());
      for (const Type* alternative : type.alternatives) mentions.push_back(mention(*alternative));
      text_ += fmt::format("One of: {}\n\n", fmt::join(mentions, ", "));
    } else {
      add_members("Member", type);
    }
  }

  std::string text_;
  std::map<std::string, const Type*> mentioned_;
};

}  // namespace

std::string qmp_reference(const CommandRegistry& registry) {
  ReferenceWriter writer;
  writer.line("# QMP reference\n");
  writer.line("Clients can read the same as data, with the command `query-qmp-schema`.\n");
  writer.chapter("Commands");
  for (const auto& [name, command] : registry.commands()) writer.add(command);
  writer.chapter("Events");
  for (const auto& [name, event] : registry.events()) writer.add(event);
  writer.chapter("Types");
  writer.add_types();
  return writer.take();
}

}  // namespace qomio

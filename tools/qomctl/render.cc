// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tools/qomctl/render.h"

#include <algorithm>
#include <array>
#include <vector>

#include "qomio/qapi/json.h"
#include "qomio/tools/qomctl/printable.h"
#include "qomio/tools/qomctl/table.h"

namespace qomio::qomctl {

namespace {

bool is_list_of_objects(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const Json& item) { return item.is_object(); });
}

// QEMU sends members in arbitrary order. If a table has these columns, they come first, in this order.
constexpr std::array<std::string_view, 6> kLeadingColumns = {"id",          "name",      "thread-id",
                                                             "poll-max-ns", "poll-grow", "poll-shrink"};

// An object in a list inside a cell: the values of its members, such as "token-bucket b0".
std::string inner_object_text(const Json& object) {
  std::string text;
  for (const auto& member : object) text += (text.empty() ? "" : " ") + cell_text(member);
  return text;
}

// A string that is the whole result keeps its lines: query-iothread-metrics returns several.
std::string lines_text(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::string lines;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines += printable(text.substr(start, end - start)) + "\n";
    start = end + 1;
  }
  return lines;
}

Table object_list_table(const Json& list) {
  std::vector<std::string> keys;
  for (const auto column : kLeadingColumns) {
    if (std::ranges::any_of(list, [&](const Json& item) { return item.contains(column); })) {
      keys.emplace_back(column);
    }
  }
  for (const auto& item : list) {
    for (const auto& [key, value] : item.items()) {
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
  }
  std::vector<std::string> titles;
  titles.reserve(keys.size());
  for (const auto& key : keys) titles.push_back(printable(key));
  Table table(std::move(titles));
  for (const auto& item : list) {
    std::vector<Cell> row;
    for (const auto& key : keys) {
      auto found = item.find(key);
      row.push_back(found == item.end() ? Cell{"-"} : Cell{cell_text(*found), found->is_number()});
    }
    table.add_row(std::move(row));
  }
  return table;
}

void add_members(Table& table, const std::string& prefix, const Json& object) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() && !value.empty()) {
      add_members(table, prefix + key + ".", value);
    } else {
      table.add_row({Cell{printable(prefix + key)}, Cell{cell_text(value)}});
    }
  }
}

}  // namespace

std::string json_line(const Json& value, JsonCharacters characters) {
  if (value.is_object()) {
    std::string text;
    for (const auto& [key, member] : value.items()) {
      text += (text.empty() ? "{" : ", ") + json_line(Json(key), characters) + ": " +
              json_line(member, characters);
    }
    return text.empty() ? "{}" : text + "}";
  }
  if (value.is_array()) {
    std::string text;
    for (const auto& item : value) text += (text.empty() ? "[" : ", ") + json_line(item, characters);
    return text.empty() ? "[]" : text + "]";
  }
  return value.dump(-1, ' ', characters == JsonCharacters::ascii, Json::error_handler_t::replace);
}

std::string cell_text(const Json& value) {
  if (value.empty() || value == Json("")) return "-";
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  if (is_list_of_objects(value)) {
    std::string text;
    for (const auto& item : value) text += (text.empty() ? "" : ", ") + inner_object_text(item);
    return text;
  }
  if (value.is_array()) {
    std::string text;
    for (const auto& item : value) text += (text.empty() ? "" : ", ") + cell_text(item);
    return text;
  }
  return printable(json_line(value, JsonCharacters::all));
}

std::string people_text(const Json& value, bool colour) {
  if (is_list_of_objects(value)) return object_list_table(value).text(colour);
  if (value.is_object()) {
    Table table;
    add_members(table, "", value);
    return table.text(colour);
  }
  if (value.is_array()) {
    std::string text;
    for (const auto& item : value) text += cell_text(item) + "\n";
    return text;
  }
  if (value.is_string()) return lines_text(value.get_ref<const std::string&>());
  return json_line(value) + "\n";
}

}  // namespace qomio::qomctl

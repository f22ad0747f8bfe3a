// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/keyval.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

namespace {

constexpr std::size_t kMaxFragmentBytes = 127;
constexpr int kMaxDepth = 1024;

bool is_decimal(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_index(std::string_view fragment) { return std::ranges::all_of(fragment, is_decimal); }
bool is_name(std::string_view fragment) {
  return is_letter(fragment[0]) && std::ranges::all_of(fragment, [](char c) {
           return is_letter(c) || is_decimal(c) || c == '-' || c == '_';
         });
}

// A string, or the container of the keys below it: a list if their next fragments are all digits, otherwise
// an object.
struct Node {
  std::optional<std::string> text;
  // In the order of their first appearance.
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> children;
  std::unordered_map<std::string, Node*> by_fragment;

  Node& child(const std::string& fragment) {
    auto [it, is_new] = by_fragment.try_emplace(fragment, nullptr);
    if (is_new) it->second = children.emplace_back(fragment, std::make_unique<Node>()).second.get();
    return *it->second;
  }
};

// Returns the fragment, without leading zeros if it is the index of a list element.
std::string canonical(std::string_view fragment) {
  if (!is_index(fragment)) return std::string(fragment);
  const std::size_t zeros = fragment.find_first_not_of('0');
  return zeros == std::string_view::npos ? "0" : std::string(fragment.substr(zeros));
}

std::unexpected<Error> inconsistent(std::string_view key) {
  return error("Parameters '{}.*' used inconsistently", key);
}

// Splits the key at its dots and checks each fragment.
Result<std::vector<std::string_view>> fragments_of(std::string_view key) {
  std::vector<std::string_view> fragments;
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t dot = std::min(key.find('.', start), key.size());
    const std::string_view fragment = key.substr(start, dot - start);
    const bool good = !fragment.empty() && (is_name(fragment) || (!fragments.empty() && is_index(fragment)));
    if (!good) return error("Invalid parameter '{}'", key);
    if (fragment.size() > kMaxFragmentBytes) {
      return error("Parameter {}'{}' is too long", fragment == key ? "" : "fragment ", fragment);
    }
    fragments.push_back(fragment);
    start = dot + 1;
  }
  if (fragments.size() > kMaxDepth) return error("Parameter '{}' is nested too deep", key);
  return fragments;
}

// Returns the node of the key, creating it if it is new.
Result<Node*> node_of(Node& root, std::string_view key, const std::vector<std::string_view>& fragments) {
  Node* node = &root;
  for (const std::string_view fragment : fragments) {
    if (node->text) {
      return inconsistent(key.substr(0, static_cast<std::size_t>(fragment.data() - key.data()) - 1));
    }
    node = &node->child(canonical(fragment));
  }
  return node;
}

// Removes a value, and the comma after it, from the front of the text and returns it.
std::string take_value(std::string_view& text) {
  std::string value;
  while (true) {
    const std::size_t comma = text.find(',');
    value += text.substr(0, comma);
    const bool doubled = comma != std::string_view::npos && comma + 1 < text.size() && text[comma + 1] == ',';
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + (doubled ? 2 : 1));
    if (!doubled) return value;
    value += ',';
  }
}

// Reads one KEY=VALUE, `help`, or value of the implied key, and removes it from the front of the text.
Result<void> take_pair(Node& root, std::string_view& text, std::string_view implied_key, KeyvalHelp help,
                       bool& help_wanted) {
  const std::size_t end = std::min(text.find_first_of("=,"), text.size());
  const bool bare = end == text.size() || text[end] == ',';
  std::string_view key = text.substr(0, end);
  if (bare && help == KeyvalHelp::Taken && (key == "help" || key == "?")) {
    help_wanted = true;
    text.remove_prefix(std::min(end + 1, text.size()));
    return {};
  }
  const bool implied = bare && !implied_key.empty() && !key.empty();
  if (implied) key = implied_key;
  const auto fragments = fragments_of(key);
  if (!fragments) return std::unexpected(fragments.error());
  const auto node = node_of(root, key, *fragments);
  if (!node) return std::unexpected(node.error());
  if (bare && !implied) return error("Expected '=' after parameter '{}'", key);
  std::string value(implied ? text.substr(0, end) : "");
  text.remove_prefix(std::min(end + 1, text.size()));
  if (!implied) value = take_value(text);
  if (!(*node)->children.empty()) return inconsistent(key);
  (*node)->text = std::move(value);
  return {};
}

// Puts the children of a list, whose names are all indices, in order.
Result<Json> list_json(const std::string& key, std::vector<std::pair<std::string, Json>> children) {
  std::vector<std::pair<std::uint64_t, Json>> elements;
  for (auto& [fragment, value] : children) {
    std::uint64_t index = UINT64_MAX;  // kept if the digits do not fit; some lower index is then missing
    std::from_chars(fragment.data(), fragment.data() + fragment.size(), index);
    elements.emplace_back(index, std::move(value));
  }
  std::ranges::sort(elements, {}, &std::pair<std::uint64_t, Json>::first);
  Json list = Json::array();
  for (auto& [index, value] : elements) {
    if (index != list.size()) return error("Parameter '{}.{}' missing", key, list.size());
    list.push_back(std::move(value));
  }
  return list;
}

Result<Json> to_json(Node& node, const std::string& key) {
  if (node.text) return Json(std::move(*node.text));
  std::vector<std::pair<std::string, Json>> children;
  std::size_t indices = 0;
  for (auto& [fragment, child] : node.children) {
    auto value = to_json(*child, key.empty() ? fragment : fmt::format("{}.{}", key, fragment));
    if (!value) return value;
    if (is_index(fragment)) ++indices;
    children.emplace_back(fragment, std::move(*value));
  }
  if (indices > 0 && indices < children.size()) return inconsistent(key);
  if (indices > 0) return list_json(key, std::move(children));
  Json object = Json::object();
  auto& members = *object.get_ptr<Json::object_t*>();
  for (auto& [fragment, value] : children) members.emplace_back(fragment, std::move(value));
  return object;
}

}  // namespace

Result<Keyval> parse_keyval(std::string_view text, std::string_view implied_key, KeyvalHelp help) {
  if (text.starts_with(kByteOrderMark)) {
    return error("Unexpected byte order mark before '{}'", text.substr(kByteOrderMark.size()));
  }
  Node root;
  Keyval keyval;
  while (!text.empty()) {
    if (auto r = take_pair(root, text, implied_key, help, keyval.help); !r) return failure(r);
    implied_key = {};
  }
  auto values = to_json(root, {});
  if (!values) return failure(values);
  keyval.values = std::move(*values);
  return keyval;
}

}  // namespace qomio

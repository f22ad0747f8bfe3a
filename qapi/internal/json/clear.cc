// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/clear.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace qomio {
namespace {

// The following functions use an array or object as a row of values.
std::size_t row_size(const Json& row) { return row.is_structured() ? row.size() : 0; }

Json& row_value(Json& row, std::size_t index) {
  if (auto* elements = row.get_ptr<Json::array_t*>()) return (*elements)[index];
  return row.get_ptr<Json::object_t*>()->begin()[static_cast<std::ptrdiff_t>(index)].second;
}

void drop_last(Json& row) {
  if (auto* elements = row.get_ptr<Json::array_t*>()) return elements->pop_back();
  row.get_ptr<Json::object_t*>()->pop_back();
}

using Members = Json::object_t;

// Moves the members into a vector with room for more.
Members grown(Members& members) {
  constexpr std::size_t kFirstRoom = 4;
  Members larger;
  larger.reserve(std::max(kFirstRoom, 2 * members.size()));
  for (const auto& [name, value] : members) larger.emplace_back(name, nullptr);
  // From here on nothing needs memory.
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    larger.begin()[at].second = std::move(members.begin()[at].second);
  }
  return larger;
}

}  // namespace

Json& json_add_member(Json& object, std::string name) {
  auto& members = *object.get_ptr<Members*>();
  if (members.size() == members.capacity()) members = grown(members);
  // Appends directly, since the library would first search for a member of this name.
  static_cast<Members::Container&>(members).emplace_back(std::move(name), nullptr);
  return members.back().second;
}

void json_copy(const Json& from, Json& to) {
  if (const auto* members = from.get_ptr<const Members*>()) {
    to = Json(Json::value_t::object);
    to.get_ptr<Members*>()->reserve(members->size());
    for (const auto& [name, value] : *members) json_copy(value, json_add_member(to, name));
  } else if (const auto* elements = from.get_ptr<const Json::array_t*>()) {
    to = Json(Json::value_t::array);
    auto& copies = *to.get_ptr<Json::array_t*>();
    copies.resize(elements->size());
    for (std::size_t i = 0; i < elements->size(); ++i) json_copy((*elements)[i], copies[i]);
  } else {
    to = from;
  }
}

// Removes the values of a row from its end and descends into the rows among them. To find the way back
// without extra memory, the row being left is stored as the first value of the row being entered, and that
// first value takes the place of the entered row, to be removed later. Each row is entered once and is gone
// when it is left, and a row that is not entered or left is empty when it is destroyed.
void json_clear(Json& value) noexcept {
  Json row = std::exchange(value, nullptr);
  while (row_size(row) > 0) {
    const std::size_t last = row_size(row) - 1;
    Json& at_end = row_value(row, last);
    if (row_size(at_end) == 0) {
      drop_last(row);
    } else if (last == 0) {
      Json only = std::move(at_end);
      drop_last(row);
      row = std::move(only);
    } else {
      Json entered = std::move(at_end);
      at_end = std::move(row_value(entered, 0));
      // `left` is needed because the row is moved into a part of the value that is moved into the row.
      Json left = std::move(row);
      row_value(entered, 0) = std::move(left);
      row = std::move(entered);
    }
  }
}

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/pieces.h"

#include <string_view>
#include <utility>

#include "qomio/qapi/json.h"
#include "qomio/qapi/text.h"

namespace qomio {

namespace {

// Appends what json_append() writes between the quotes.
void append_quoted_text(std::string& out, std::string_view text) {
  const std::string quoted = json_text(Json(std::string(text)));
  out.append(quoted, 1, quoted.size() - 2);
}

}  // namespace

JsonPieces::JsonPieces(Json value, JsonDisposal& disposal)
    : value_(std::make_unique<Json>(std::move(value))), disposal_(disposal) {}

JsonPieces::~JsonPieces() { disposal_.take(std::move(*value_)); }

bool JsonPieces::next(std::string& out) {
  const std::size_t end = out.size() + kPieceBytes;
  if (!std::exchange(begun_, true)) begin(out, *value_);
  while (!levels_.empty() && out.size() < end) resume(out);
  return !levels_.empty();
}

void JsonPieces::begin(std::string& out, const Json& value) {
  if (value.is_object()) {
    out += '{';
  } else if (value.is_array()) {
    out += '[';
  } else if (value.is_string()) {
    out += '"';
  } else {
    (void)json_append(out, value);  // a value that JSON cannot hold is written as null
    return;
  }
  levels_.push_back({&value, 0});
}

void JsonPieces::resume(std::string& out) {
  Level& level = levels_.back();
  if (const auto* const text = level.value->get_ptr<const Json::string_t*>()) {
    const std::string_view piece = utf8_prefix(std::string_view(*text).substr(level.done), kPieceBytes);
    append_quoted_text(out, piece);
    level.done += piece.size();
    if (level.done < text->size()) return;
    out += '"';
  } else if (level.done < level.value->size()) {
    if (level.done > 0) out += ", ";
    const std::size_t at = level.done++;
    if (const auto* const members = level.value->get_ptr<const Json::object_t*>()) {
      json_append(out, Json(members->data()[at].first));
      out += ": ";
      return begin(out, members->data()[at].second);
    }
    return begin(out, (*level.value->get_ptr<const Json::array_t*>())[at]);
  } else {
    out += level.value->is_object() ? '}' : ']';
  }
  levels_.pop_back();
}

}  // namespace qomio

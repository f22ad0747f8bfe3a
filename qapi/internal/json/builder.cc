// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/builder.h"

#include <algorithm>
#include <new>
#include <utility>

#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/json.h"

namespace qomio {

namespace {

// Smaller objects are searched member by member for a duplicate key.
constexpr std::size_t kSmallObject = 16;

// From this size on, a container reserves room for as many elements as a value may have. Growing moves all
// elements, which takes long if there are many; unused room costs only address space.
constexpr std::size_t kLargeContainer = 8 << 10;
constexpr std::size_t kMostElements = 1 << 20;

// Values of at most this many tokens and bytes are freed quickly.
constexpr std::size_t kQuicklyFreedTokens = 1 << 13;
constexpr std::size_t kQuicklyFreedBytes = 1 << 20;

void make_room(auto& elements) {
  if (elements.size() < elements.capacity() || elements.size() < kLargeContainer) return;
  try {
    elements.reserve(std::max(kMostElements, 2 * elements.size()));
  } catch (const std::bad_alloc&) {
    return;  // there may be enough memory for what is really needed
  }
}

// The members as a vector, since ordered_json's own functions search all keys for each new one.
auto& members_of(Json& object) { return *object.get_ptr<Json::object_t*>(); }

}  // namespace

JsonBuilder::JsonBuilder(LargeNumbers large_numbers) : large_numbers_(large_numbers) {}
JsonBuilder::~JsonBuilder() { drop_values(); }

void JsonBuilder::Deleter::operator()(Json* value) const noexcept {
  json_clear(*value);
  delete value;
}

void JsonBuilder::add(const JsonToken& token) {
  started_ = true;
  in_string_ = token.kind == JsonTokenKind::StringPart;
  bytes_ += token.text.size();
  if (in_string_) {
    if (error_) return;
    std::string_view text = token.text;
    if (!long_string_) {
      long_string_.emplace();
      text.remove_prefix(1);
    }
    return long_string_->add(text, token.verbatim);
  }
  ++tokens_;
  switch (token.kind) {
    case JsonTokenKind::BeginObject:
      ++braces_;
      break;
    case JsonTokenKind::EndObject:
      --braces_;
      break;
    case JsonTokenKind::BeginArray:
      ++brackets_;
      break;
    case JsonTokenKind::EndArray:
      --brackets_;
      break;
    default:
      break;
  }
  if (error_) return;

  switch (expect_) {
    case Expect::ElementOrEnd:
      if (token.kind == JsonTokenKind::EndArray) return close();
      [[fallthrough]];
    case Expect::Value:
      return add_to_value(token, false);
    case Expect::KeyOrEnd:
      if (token.kind == JsonTokenKind::EndObject) return close();
      [[fallthrough]];
    case Expect::Key:
      return add_key(token);
    case Expect::Colon:
      if (token.kind != JsonTokenKind::Colon) return fail("missing : in object pair");
      expect_ = Expect::Value;
      return;
    case Expect::MemberSeparator:
      if (token.kind == JsonTokenKind::EndObject) return close();
      if (token.kind != JsonTokenKind::Comma) return fail("expected separator in dict");
      expect_ = Expect::Key;
      return;
    case Expect::ElementSeparator:
      if (token.kind == JsonTokenKind::EndArray) return close();
      if (token.kind != JsonTokenKind::Comma) return fail("expected separator in list");
      expect_ = Expect::Value;
      return;
    case Expect::Nothing:
      return;
  }
}

void JsonBuilder::add_to_value(const JsonToken& token, bool as_key) {
  switch (token.kind) {
    case JsonTokenKind::BeginObject:
      return open(true, as_key);
    case JsonTokenKind::BeginArray:
      return open(false, as_key);
    case JsonTokenKind::EndObject:
    case JsonTokenKind::EndArray:
    case JsonTokenKind::Comma:
    case JsonTokenKind::Colon:
      return fail("expecting value");
    default:
      break;
  }
  auto value = token.kind == JsonTokenKind::String ? string_value(token) : json_scalar(token, large_numbers_);
  if (!value) return fail(std::move(value).error());
  if (as_key) return fail("key is not a string in object");
  new_slot() = std::move(*value);
  value_ended();
}

Result<std::string> JsonBuilder::string_of(const JsonToken& token) {
  if (!long_string_) return json_string(token);
  auto text = long_string_->finish(token.text.substr(0, token.text.size() - 1), token.verbatim);
  if (text) long_string_.reset();
  return text;
}

Result<Json> JsonBuilder::string_value(const JsonToken& token) {
  auto text = string_of(token);
  if (!text) return failure(text);
  return Json(std::move(*text));
}

void JsonBuilder::add_key(const JsonToken& token) {
  if (token.kind != JsonTokenKind::String) return add_to_value(token, true);
  auto name = string_of(token);
  if (!name) return fail(std::move(name).error());
  if (name->size() > kMaxNameBytes) {
    if (disposal_) disposal_->take(std::move(*name));
    return fail(Error("JSON token size limit exceeded"));
  }
  Level& level = levels_.back();
  level.doubled_key = is_doubled(level, *name);
  make_room(members_of(*level.container));
  json_add_member(*level.container, std::move(*name));
  expect_ = Expect::Colon;
}

bool JsonBuilder::is_doubled(Level& level, const std::string& name) {
  const auto& members = members_of(*level.container);
  if (members.size() < kSmallObject) {
    return std::ranges::any_of(members, [&](const auto& member) { return member.first == name; });
  }
  if (!level.names) {
    level.names = std::make_unique<JsonNameIndex>();
    for (std::size_t i = 0; i < members.size(); ++i) level.names->insert(members, i, members.data()[i].first);
  }
  return !level.names->insert(members, members.size(), name);
}

// Returns the place for the next value. Only the last element of a container is ever being built, so pointers
// to open containers stay valid.
Json& JsonBuilder::new_slot() {
  if (levels_.empty()) {
    root_.reset(new Json());
    return *root_;
  }
  Level& level = levels_.back();
  if (level.is_object) return members_of(*level.container).back().second;
  auto& elements = *level.container->get_ptr<Json::array_t*>();
  make_room(elements);
  elements.emplace_back();
  return elements.back();
}

void JsonBuilder::open(bool is_object, bool as_key) {
  if (as_key) key_root_.reset(new Json());
  Json& slot = as_key ? *key_root_ : new_slot();
  slot = is_object ? Json::object() : Json::array();
  levels_.push_back({&slot, is_object, as_key, false, nullptr});
  expect_ = is_object ? Expect::KeyOrEnd : Expect::ElementOrEnd;
}

void JsonBuilder::close() {
  const bool is_key = levels_.back().is_key;
  levels_.pop_back();
  if (is_key) return fail("key is not a string in object");
  value_ended();
}

void JsonBuilder::value_ended() {
  if (levels_.empty()) {
    expect_ = Expect::Nothing;
  } else if (levels_.back().doubled_key) {
    fail("duplicate key");
  } else {
    expect_ = levels_.back().is_object ? Expect::MemberSeparator : Expect::ElementSeparator;
  }
}

void JsonBuilder::fail(std::string_view what) { fail(error("JSON parse error, {}", what).error()); }

void JsonBuilder::fail(Error error) {
  error_ = std::move(error);
  drop_values();
}

void JsonBuilder::drop_values() {
  levels_.clear();
  if (disposal_ && long_string_) {
    if (std::string text = long_string_->finish(); text.size() > kQuicklyFreedBytes) {
      disposal_->take(std::move(text));
    }
  }
  long_string_.reset();
  for (auto* const root : {&root_, &key_root_}) {
    const bool is_large = tokens_ > kQuicklyFreedTokens || bytes_ > kQuicklyFreedBytes;
    if (*root && disposal_ && is_large) disposal_->take(std::move(**root));
    root->reset();
  }
}

Result<Json> JsonBuilder::take() {
  if (!error_ && expect_ != Expect::Nothing) fail("premature EOI");
  Result<Json> result =
      error_ ? Result<Json>(std::unexpected(std::move(*error_))) : std::move(*std::exchange(root_, nullptr));
  clear();
  return result;
}

void JsonBuilder::clear() {
  expect_ = Expect::Value;
  started_ = false;
  braces_ = brackets_ = 0;
  drop_values();
  in_string_ = false;
  tokens_ = 0;
  bytes_ = 0;
  error_.reset();
}

}  // namespace qomio

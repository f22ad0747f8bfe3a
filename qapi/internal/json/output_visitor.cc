// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/json/output_visitor.h"

#include "qomio/qapi/internal/json/clear.h"
#include "qomio/qapi/json.h"

namespace qomio {

OutputVisitor::~OutputVisitor() {
  json_clear(root_);
  for (auto& [name, value] : open_) json_clear(value);
}

Result<void> OutputVisitor::put(std::string_view name, Json value) {
  const JsonClearer clearer(value);
  if (open_.empty()) {
    root_ = std::move(value);
  } else if (Json& container = open_.back().second; container.is_array()) {
    container.push_back(std::move(value));
  } else {
    Json& member = json_add_member(container, std::string(name));  // a described struct has each name once
    member = std::move(value);
  }
  return {};
}

Result<void> OutputVisitor::type_int64(std::string_view name, std::int64_t& value) {
  return put(name, value);
}
Result<void> OutputVisitor::type_uint64(std::string_view name, std::uint64_t& value) {
  return put(name, value);
}
Result<void> OutputVisitor::type_size(std::string_view name, std::uint64_t& value) {
  return put(name, value);
}
Result<void> OutputVisitor::type_bool(std::string_view name, bool& value) { return put(name, value); }
Result<void> OutputVisitor::type_number(std::string_view name, double& value) { return put(name, value); }
Result<void> OutputVisitor::type_str(std::string_view name, std::string& value) { return put(name, value); }
Result<void> OutputVisitor::type_any(std::string_view name, Json& value) {
  Json copy;
  const JsonClearer clearer(copy);
  json_copy(value, copy);
  return put(name, std::move(copy));
}

Result<void> OutputVisitor::start_struct(std::string_view name) {
  Json object = Json::object();
  object.get_ref<Json::object_t&>().reserve(last_struct_size_);
  open_.emplace_back(name, std::move(object));
  return {};
}

Result<void> OutputVisitor::start_list(std::string_view name) {
  open_.emplace_back(name, Json::array());
  return {};
}

Result<void> OutputVisitor::end_struct() {
  last_struct_size_ = open_.back().second.size();
  return end_list();
}

Result<void> OutputVisitor::end_list() {
  auto [name, value] = std::move(open_.back());
  open_.pop_back();
  return put(name, std::move(value));
}

Json internal::write_json(VisitValue visit, const void* value) {
  OutputVisitor visitor;
  // visit() serves both directions and so takes a non-const value; an output visitor only reads it.
  (void)visit(visitor, {}, const_cast<void*>(value));
  return visitor.take();
}

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/internal/class_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "qomio/object/type.h"

namespace qomio {
namespace {

// Up to this number of properties, comparing all names is faster than computing a hash.
constexpr std::size_t kScannedProperties = 16;

// The length and the first and last character of a name. Other names rarely have the same key, so few names
// are compared in full.
std::uint32_t name_key(std::string_view name) {
  if (name.empty()) return 0;
  return static_cast<std::uint32_t>(name.size() << 16) | static_cast<unsigned char>(name.front()) << 8 |
         static_cast<unsigned char>(name.back());
}

}  // namespace

namespace internal {

ClassData::ClassData(const TypeInfo& type_info, const ClassData* parent) : info(type_info) {
  if (parent) {
    interfaces = parent->interfaces;
    properties = parent->properties;
    name_keys = parent->name_keys;
    with_default = parent->with_default;
    index = parent->index;
    init_hooks = parent->init_hooks;
    post_init_hooks = parent->post_init_hooks;
    finalize_hooks = parent->finalize_hooks;
    if (!info.create) info.create = parent->info.create;
    if (!info.class_data) info.class_data = parent->info.class_data;
  }
  if (info.instance_init) init_hooks.push_back(info.instance_init);
  if (info.instance_post_init) post_init_hooks.push_back(info.instance_post_init);
  if (info.instance_finalize) finalize_hooks.push_back(info.instance_finalize);
}

void ClassData::expect_instances(bool (*is_instance_now)(const Object&)) {
  is_instance = is_instance_now;
  checked_instance = false;
}

Result<void> ClassData::check_instance(const ObjectClass& klass, const Object& object) {
  const auto other_class = [&](std::string_view what) {
    return error(
        "type '{}' makes objects of another C++ class than {} is for: is .create of its TypeInfo missing?",
        klass.name(), what);
  };
  for (const ObjectClass* ancestor : klass.ancestors()) {
    const auto is_expected = ancestor->data().is_instance.load();
    if (is_expected && !is_expected(object)) {
      return other_class(fmt::format("type_info of type '{}'", ancestor->name()));
    }
  }
  for (const Property* property : properties) {
    if (!property->fits(object)) return other_class(fmt::format("property '{}'", property->name()));
  }
  for (const ObjectClass* interface : interfaces) {
    const auto implemented_by = interface->data().info.implemented_by;
    if (implemented_by && !implemented_by(object)) {
      return error("type '{}' lists interface '{}', but its C++ class does not derive from it", klass.name(),
                   interface->name());
    }
  }
  checked_instance = true;
  return {};
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) return error("a name can't be empty");
  if (name.contains('/')) return error("name '{}' has a '/', which separates names in paths", name);
  return {};
}

}  // namespace internal

ObjectClass::ObjectClass(const TypeInfo& info, const ObjectClass* parent)
    : name_(info.name),
      is_interface_(info.name == "interface" || (parent && parent->is_interface_)),
      data_(std::make_unique<internal::ClassData>(info, parent ? parent->data_.get() : nullptr)) {
  if (parent) ancestors_ = parent->ancestors_;
  depth_ = ancestors_.size();
  ancestors_.push_back(this);
}

ObjectClass::~ObjectClass() = default;

bool ObjectClass::is_abstract() const { return data_->info.abstract; }
const void* ObjectClass::class_data() const { return data_->info.class_data; }
const std::vector<const ObjectClass*>& ObjectClass::interfaces() const { return data_->interfaces; }
const std::vector<const Property*>& ObjectClass::properties() const { return data_->properties; }

bool ObjectClass::implements(const ObjectClass& interface) const {
  return std::ranges::any_of(data_->interfaces,
                             [&](const ObjectClass* i) { return i->derives_from(interface); });
}

const Property& ObjectClass::add(std::unique_ptr<Property> property) {
  const Property& added = *data_->own.emplace_back(std::move(property));
  const auto wrong = [&](std::string_view why) -> const Property& {
    if (!data_->mistake) {
      data_->mistake = std::make_unique<Error>(fmt::format("Property '{}.{}' {}", name_, added.name(), why));
    }
    return added;
  };
  if (auto r = internal::check_name(added.name()); !r) return wrong("is refused: " + r.error().message());
  if (data_->index.contains(added.name())) return wrong("is declared twice");
  if (!added.mistake().empty()) return wrong(added.mistake());
  data_->properties.push_back(&added);
  data_->name_keys.push_back(name_key(added.name()));
  if (added.has_default()) data_->with_default.push_back(&added);
  data_->index.emplace(added.name(), &added);
  return added;
}

const Property* ObjectClass::find_property(std::string_view name) const {
  const auto& [keys, properties] = std::tie(data_->name_keys, data_->properties);
  if (keys.size() <= kScannedProperties) {
    const auto key = name_key(name);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == key && properties[i]->name() == name) return properties[i];
    }
    return nullptr;
  }
  const auto it = data_->index.find(name);
  return it == data_->index.end() ? nullptr : it->second;
}

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
// Holds: who keeps an object from being deleted.
#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/object_data.h"
#include "qomio/object/object.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {

internal::HoldEntry::HoldEntry(Object& object, Holder holder) : object_(object), holder_(std::move(holder)) {}

internal::HoldEntry::HoldEntry(Object& object, const Object& owner)
    : object_(object), owner_class_(&owner.object_class()) {}

Holder internal::HoldEntry::holder() const {
  if (!owner_class_) return holder_;
  return {owner_class_->name(), owner() ? owner()->name() : std::string()};
}

Hold::Hold() = default;
Hold::Hold(std::unique_ptr<internal::HoldEntry> entry)
    : object_(&entry->object()), entry_(std::move(entry)) {}
Hold::Hold(Hold&& other) noexcept
    : object_(std::exchange(other.object_, nullptr)), entry_(std::move(other.entry_)) {}
Hold& Hold::operator=(Hold&& other) noexcept {
  // Releasing the old object may use this Hold again, so the new object is stored before `old` is destroyed.
  const Hold old(std::move(*this));
  object_ = std::exchange(other.object_, nullptr);
  entry_ = std::move(other.entry_);
  return *this;
}
Hold::~Hold() = default;

Hold Object::hold(std::string_view kind, std::string_view name) {
  require_main_thread("Object::hold()");
  auto entry = std::make_unique<internal::HoldEntry>(
      *this, Holder{.kind = std::string(kind), .name = std::string(name)});
  data().holders.push_back(entry.get());
  return Hold(std::move(entry));
}

Hold Object::hold(const Object& owner) {
  auto entry = std::make_unique<internal::HoldEntry>(*this, owner);
  if (!owner.ending_) entry->set_owner(const_cast<Object&>(owner));
  data().holders.push_back(entry.get());
  return Hold(std::move(entry));
}

std::vector<Holder> Object::holders() const {
  std::vector<Holder> holders;
  if (!data_) return holders;
  for (const internal::HoldEntry* entry : data_->holders) holders.push_back(entry->holder());
  return holders;
}

std::vector<const Object*> Object::holding_objects() const {
  std::vector<const Object*> owners;
  if (!data_) return owners;
  for (const internal::HoldEntry* entry : data_->holders) owners.push_back(entry->owner());
  return owners;
}

bool Object::is_held() const { return data_ && !data_->holders.empty(); }

internal::HoldEntry::~HoldEntry() {
  require_main_thread("Hold::~Hold()");
  std::erase(ObjectAccess::data(*object_).holders, this);
}

}  // namespace qomio

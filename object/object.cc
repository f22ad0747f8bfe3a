// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object.h"

#include <fmt/format.h>
#include <glib.h>
#include <tsl/robin_set.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "qomio/object/link.h"
#include "qomio/object/object_events.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

// From this many children on, an object finds them through a hash table.
constexpr std::size_t kIndexedChildren = 8;

// Objects that end because the one that owned them ends do so on its stack, up to this many at once.
constexpr unsigned kMaxNestedEnds = 500;

// At the end of a name: the first free number, in brackets.
constexpr std::string_view kAnyNumber = "[*]";

// By name. Open addressing, and the hash kept beside the pointer, so that an object in a large set is found
// with few accesses to memory: one to the table, one to the object.
std::string_view name_of(const Object* child) { return child->name(); }
std::string_view name_of(std::string_view name) { return name; }
struct NameHash {
  std::size_t operator()(const auto& child) const { return std::hash<std::string_view>()(name_of(child)); }
};
struct SameName {
  using is_transparent = void;
  bool operator()(const auto& a, const auto& b) const { return name_of(a) == name_of(b); }
};
using ChildIndex = tsl::robin_set<Object*, NameHash, SameName, std::allocator<Object*>, /*StoreHash=*/true>;

}  // namespace

struct Object::Extras {
  struct OwnProperty {
    std::unique_ptr<Property> property;
    std::function<void(Object&)> release;
    void give_back(Object& object) const {
      if (release) callback("release of property", property->name(), [&] { release(object); });
    }
  };
  struct HolderEntry {
    Holder holder;
    const StrongLink* link;  // if set, the holder is named after the object that owns it, when asked
  };
  // Of names that end in "[*]", as they were given without it: all numbers below `next` were given out, and
  // those that came back are kept, so that the first free one is found without a search.
  struct Numbering {
    std::size_t next = 0;
    std::set<std::size_t> returned;
  };
  std::vector<OwnProperty> properties;
  std::vector<OwnProperty> deleted;                // while they were used, see PropertyUse
  std::vector<PropertyThatWasSet> set_properties;  // the latest last
  std::vector<HolderEntry> holders;
  ChildIndex children;  // empty until there are kIndexedChildren
  std::size_t child_count = 0;
  std::map<std::string, Numbering, std::less<>> numberings;
  WeakLink* weak_links = nullptr;
};

constinit const TypeInfo Object::type_info{
    .name = "object",
    .abstract = true,
    .class_init =
        [](ObjectClass& klass) {
          klass.add(property("type", &Object::type_name).describe("name of the type"));
        },
};

Object::Object() = default;
// Whoever gives back a reference that is not his may find this.
Object::~Object() { references_.store(0, std::memory_order_relaxed); }

void Object::wrong_count(std::uint32_t before) const {
  broken_invariant(before == 0
                       ? "a reference to an object was used or released after the last one had been released"
                       : "an object has more references than can be counted");
}

void Object::finalize() const {
  auto* self = const_cast<Object*>(this);
  invariant(!ending_ && !ended_in_use_,
            "a reference to an object was released too often during the object's destruction");
  invariant(parent_ == nullptr, "an object that is still in a tree lost its last reference");
  if (uses_.load(std::memory_order_acquire) > 0) {
    references_.store(1, std::memory_order_release);
    if (in_main_thread()) {
      self->ended_in_use_ = true;
    } else {
      // The main thread is in the middle of it, and comes round.
      g_idle_add_full(
          G_PRIORITY_DEFAULT, [](gpointer used) { return static_cast<Object*>(used)->unref(), FALSE; }, self,
          nullptr);
    }
    return;
  }
  self->ending_ = true;
  // Callbacks may take and give back references to the object while it goes.
  references_.store(1, std::memory_order_relaxed);
  // Chains of objects that own each other may be as long as clients make them, so those far down wait in a
  // list until the stack is shorter. The list needs no memory: siblings are of no use outside a tree.
  static constinit thread_local unsigned nested = 0;
  static constinit thread_local Object* waiting = nullptr;
  if (nested == kMaxNestedEnds) {
    self->next_sibling_ = std::exchange(waiting, self);
    return;
  }
  ++nested;
  self->destroy();
  while (waiting && nested == kMaxNestedEnds) {
    Object* next = std::exchange(waiting, waiting->next_sibling_);
    next->destroy();
  }
  --nested;
}

void Object::destroy() {
  next_sibling_ = nullptr;
  if (extras_) {
    while (!extras_->properties.empty()) {
      auto own = std::move(extras_->properties.back());
      extras_->properties.pop_back();
      own.give_back(*this);
    }
  }
  release_children();
  if (class_) class_->finalize(*this);
  if (extras_) {
    while (extras_->weak_links) extras_->weak_links->reset();
  }
  invariant(references_.load(std::memory_order_relaxed) == 1,
            "a reference to an object was kept beyond the object's destruction");
  delete this;
}

Object::Extras& Object::extras() {
  if (!extras_) extras_ = std::make_unique<Extras>();
  return *extras_;
}

// --- Children ---

Object* Object::child(std::string_view name) const {
  if (extras_ && !extras_->children.empty()) {
    const auto it = extras_->children.find(name);
    return it == extras_->children.end() ? nullptr : *it;
  }
  for (Object* child = first_child_; child; child = child->next_sibling_) {
    if (child->name_ == name) return child;
  }
  return nullptr;
}

Result<void> Object::check_name_is_free(std::string_view name) const {
  if (!find_property(name) && !child(name)) return {};
  return error("attempt to add duplicate property '{}' to object (type '{}')", name, type_name());
}

Result<std::string> Object::take_name(std::string_view name) {
  if (auto r = detail::check_name(name); !r) return failure(r);
  if (!name.ends_with(kAnyNumber)) {
    if (auto r = check_name_is_free(name); !r) return failure(r);
    return std::string(name);
  }
  name.remove_suffix(kAnyNumber.size());
  auto& [next, returned] = extras().numberings[std::string(name)];
  for (;;) {
    const std::size_t number = returned.empty() ? next++ : returned.extract(returned.begin()).value();
    std::string numbered = fmt::format("{}[{}]", name, number);
    if (check_name_is_free(numbered)) return numbered;  // else somebody has it by its full name
  }
}

void Object::give_back_number(std::string_view name) {
  if (extras_->numberings.empty() || !name.ends_with(']')) return;
  const auto bracket = name.rfind('[');
  if (bracket == std::string_view::npos) return;
  const auto numbering = extras_->numberings.find(name.substr(0, bracket));
  if (numbering == extras_->numberings.end()) return;
  const auto digits = name.substr(bracket + 1, name.size() - bracket - 2);
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed != std::errc() || end != digits.data() + digits.size()) return;
  auto& [next, returned] = numbering->second;
  if (number < next) returned.insert(number);
}

Result<void> Object::check_place(std::string_view name, const Object& child) const {
  if (child.is_root_) return error("a root can't be added to a tree, as '{}'", name);
  if (child.parent_) {
    return error("object '{}' already has a parent and can't be added as '{}'", child.name_, name);
  }
  std::size_t level = 0;  // of the child, where a root has 0
  for (const Object* ancestor = this; ancestor; ancestor = ancestor->parent_) {
    if (ancestor == &child) return error("an object can't be added below itself, as '{}'", name);
    ++level;
  }
  const auto too_deep = [&] {
    return error("'{}' can't be added: objects are nested at most {} levels deep", name, kMaxLevels);
  };
  if (level > kMaxLevels) return too_deep();
  // What it brings along is walked by its own pointers: it may be as deep as a tree may be.
  for (const Object* at = &child;;) {
    if (at->first_child_) {
      at = at->first_child_;
      if (++level > kMaxLevels) return too_deep();
      continue;
    }
    while (at != &child && !at->next_sibling_) {
      at = at->parent_;
      --level;
    }
    if (at == &child) return {};
    at = at->next_sibling_;
  }
}

Result<void> Object::add_child(std::string_view name, Object& child) {
  require_main_thread("Object::add_child()");
  if (auto r = check_place(name, child); !r) return r;
  auto full_name = take_name(name);
  if (!full_name) return failure(full_name);
  index_child(child, std::move(*full_name));
  child.parent_ = this;
  child.previous_sibling_ = last_child_;
  (last_child_ ? last_child_->next_sibling_ : first_child_) = &child;
  last_child_ = &child;
  child.ref();
  if (child.complete_ || child.first_child_) detail::report_tree_added(child);
  return {};
}

// All that takes memory, so that nothing is half done where there is none; a number in brackets may be lost.
void Object::index_child(Object& child, std::string name) {
  Extras& more = extras();
  child.name_.swap(name);
  try {
    if (more.child_count + 1 == kIndexedChildren) {
      ChildIndex index;
      for (Object* c = first_child_; c; c = c->next_sibling_) index.insert(c);
      index.insert(&child);
      more.children = std::move(index);
    } else if (more.child_count + 1 > kIndexedChildren) {
      more.children.insert(&child);
    }
  } catch (...) {
    child.name_.clear();
    throw;
  }
  ++more.child_count;
}

void Object::unlink_child(Object& child) {
  Extras& more = *extras_;
  if (--more.child_count < kIndexedChildren) {
    more.children = ChildIndex();  // cleared, it would keep its memory
  } else {
    more.children.erase(&child);
  }
  give_back_number(child.name_);
  (child.previous_sibling_ ? child.previous_sibling_->next_sibling_ : first_child_) = child.next_sibling_;
  (child.next_sibling_ ? child.next_sibling_->previous_sibling_ : last_child_) = child.previous_sibling_;
  child.previous_sibling_ = nullptr;
  child.next_sibling_ = nullptr;
  child.parent_ = nullptr;
  child.name_.clear();
  child.unref();
}

void Object::release_children() {
  while (Object* child = last_child_) {
    if (child->leaving_) {
      unlink_child(*child);  // it has been told
    } else {
      object_unparent(*child);
    }
  }
}

void object_unparent(Object& object) {
  require_main_thread("object_unparent()");
  invariant(!object.is_root_, "a root of the object tree can't be unparented");
  if (!object.parent_ || object.leaving_) return;
  const Ref<Object> keep(object);
  object.leaving_ = true;
  if (object.complete_) detail::report_removed(object);
  callback("unparent() of", object.name_, [&] { object.unparent(); });
  if (object.parent_ && object.first_child_) detail::report_removed_below(object);
  if (object.parent_) object.parent_->unlink_child(object);
  object.leaving_ = false;
}

void Object::set_complete() {
  if (std::exchange(complete_, true)) return;
  detail::report_added(*this);
}

bool Object::is_user_made() const { return user_made_ && parent_ == &objects_root(); }

// --- Properties ---

const Property* Object::find_property(std::string_view name) const {
  if (const Property* property = class_->find_property(name)) return property;
  if (extras_) {
    for (const auto& own : extras_->properties) {
      if (own.property->name() == name) return own.property.get();
    }
  }
  return nullptr;
}

Result<void> Object::add_property(std::unique_ptr<Property> property, std::function<void(Object&)> release) {
  require_main_thread("Object::add_property()");
  if (!property->mistake().empty()) {
    return error("Property '{}.{}' {}", type_name(), property->name(), property->mistake());
  }
  auto name = take_name(property->name());
  if (!name) return failure(name);
  property->rename(std::move(*name));
  extras().properties.push_back({std::move(property), std::move(release)});
  return {};
}

Result<void> Object::delete_property(std::string_view name) {
  require_main_thread("Object::delete_property()");
  if (extras_) {
    auto& own = extras_->properties;
    const auto it =
        std::ranges::find(own, name, [](const auto& o) -> std::string_view { return o.property->name(); });
    if (it != own.end()) {
      auto gone = std::move(*it);
      own.erase(it);
      forget_set(*gone.property);
      give_back_number(gone.property->name());
      if (uses_.load(std::memory_order_relaxed) > 0) {
        extras_->deleted.push_back(std::move(gone));
      } else {
        gone.give_back(*this);
      }
      return {};
    }
  }
  return error("Property '{}.{}' not found", type_name(), name);
}

std::vector<PropertyView> Object::property_views() const {
  std::vector<PropertyView> views;
  for (const Object* child = first_child_; child; child = child->next_sibling_) {
    views.push_back({child->name_, fmt::format("child<{}>", child->type_name())});
  }
  for (const Property* property : class_->properties())
    views.push_back({property->name(), property->type_name()});
  if (extras_) {
    for (const auto& own : extras_->properties)
      views.push_back({own.property->name(), own.property->type_name()});
  }
  return views;
}

Result<void> Object::get_property(std::string_view name, Visitor& visitor) {
  require_main_thread("Object::get_property()");
  const Property* property = find_property(name);
  if (!property) {
    if (const Object* c = child(name)) {
      std::string path = object_get_canonical_path(*c).value_or("");
      return visitor.type_str(name, path);
    }
    return error("Property '{}.{}' not found", type_name(), name);
  }
  if (!property->is_readable()) return error("Property '{}.{}' is not readable", type_name(), name);
  if (!property->calls_out()) return property->get(*this, visitor);
  const PropertyUse use(*this);
  return property->get(*this, visitor);
}

Result<const Property*> Object::settable_property(std::string_view name) const {
  const Property* property = find_property(name);
  if (!property && !child(name)) return error("Property '{}.{}' not found", type_name(), name);
  if (!property || !property->is_writable())
    return error("Property '{}.{}' is not writable", type_name(), name);
  if (complete_ && !property->is_live()) return error("Property cannot be set after initialization");
  return property;
}

Result<void> Object::set_property(std::string_view name, Visitor& visitor) {
  require_main_thread("Object::set_property()");
  auto property = settable_property(name);
  if (!property) return failure(property);
  const auto set = [&] {
    auto result = (*property)->set(*this, visitor);
    if (result) property_was_set(**property);
    return result;
  };
  if (!(*property)->calls_out()) return set();
  const PropertyUse use(*this);
  return set();
}

void Object::property_was_set(const Property& property) {
  if (parent_) remember_set(property);
  if (complete_) detail::report_changed(*this, property);
}

void Object::remember_set(const Property& property, bool when_made) {
  if (property.is_alias()) return;
  auto& known = extras().set_properties;
  const auto it = std::ranges::find(known, &property, &PropertyThatWasSet::property);
  if (it == known.end()) {
    known.push_back({&property, when_made});
  } else {
    std::rotate(it, it + 1, known.end());
  }
}

void Object::free_deleted_properties() {
  // What is given back may delete more.
  while (extras_ && !extras_->deleted.empty()) {
    const auto gone = std::exchange(extras_->deleted, {});
    for (const auto& own : gone) {
      forget_set(*own.property);  // its own setter may have deleted it
      own.give_back(*this);
    }
  }
}

void Object::forget_set(const Property& property) {
  std::erase_if(extras_->set_properties, [&](const auto& set) { return set.property == &property; });
}

std::vector<PropertyThatWasSet> Object::set_properties() const {
  return extras_ ? extras_->set_properties : std::vector<PropertyThatWasSet>();
}

Result<Json> Object::get_property(std::string_view name) {
  OutputVisitor visitor;
  if (auto r = get_property(name, visitor); !r) return failure(r);
  Json value = visitor.take();
  if (auto r = check_json(value, name); !r) return failure(r);
  return value;
}

Result<void> Object::set_property(std::string_view name, const Json& value) {
  InputVisitor visitor(value);
  return set_property(name, visitor);
}

Result<void> Object::parse_property(std::string_view name, std::string_view text) {
  InputVisitor visitor(text);
  return set_property(name, visitor);
}

// --- Holders ---

void Object::hold(std::string_view kind, std::string_view name) {
  require_main_thread("Object::hold()");
  extras().holders.push_back({{std::string(kind), std::string(name)}, nullptr});
  ref();
}

void Object::give_back(std::string_view kind, std::string_view name) {
  require_main_thread("Object::give_back()");
  invariant(extras_ != nullptr, "an object was released that is not held");
  const auto it = std::ranges::find_if(extras_->holders, [&](const auto& e) {
    return !e.link && e.holder.kind == kind && e.holder.name == name;
  });
  invariant(it != extras_->holders.end(), "an object was released that is not held under this name");
  extras_->holders.erase(it);
  unref();
}

void Object::hold_by_link(const StrongLink& link) {
  extras().holders.push_back({{}, &link});
  ref();
}

void Object::give_back_link(const StrongLink& link) {
  std::erase_if(extras_->holders, [&](const auto& e) { return e.link == &link; });
  unref();
}

std::vector<Holder> Object::holders() const {
  std::vector<Holder> holders;
  if (!extras_) return holders;
  for (const auto& entry : extras_->holders) {
    holders.push_back(entry.link ? entry.link->holder() : entry.holder);
  }
  return holders;
}

std::vector<const Object*> Object::holding_objects() const {
  std::vector<const Object*> owners;
  if (!extras_) return owners;
  for (const auto& entry : extras_->holders) owners.push_back(entry.link ? entry.link->owner() : nullptr);
  return owners;
}

bool Object::is_held() const { return extras_ && !extras_->holders.empty(); }

// --- Making and casting ---

void PropertyUse::end() {
  const auto left = object_.uses_.load(std::memory_order_relaxed) - 1;
  if (left == 0) object_.free_deleted_properties();
  const bool was_last = left == 0 && std::exchange(object_.ended_in_use_, false);
  object_.uses_.store(left, std::memory_order_release);  // from here on another thread may end it
  if (was_last) object_.unref();
}

Result<Ref<Object>> object_new(std::string_view type_name) {
  auto klass = object_class_by_name(type_name);
  if (!klass) return failure(klass);
  return object_new(**klass);
}

Result<Ref<Object>> object_new(const ObjectClass& object_class) {
  require_main_thread("object_new()");
  return object_class.instantiate();
}

const ObjectClass& detail::class_of(const TypeInfo& info, bool (*is_instance)(const Object&)) {
  auto klass = object_class_by_name(info.name);
  if (!klass) broken_invariant(klass.error().message());
  (*klass)->expect_instances(is_instance);
  return **klass;
}

Result<void> detail::check_name(std::string_view name) {
  if (name.empty()) return error("a name can't be empty");
  if (name.contains('/')) return error("name '{}' has a '/', which separates names in paths", name);
  return {};
}

void object_check_failed(const Object& object, std::string_view type_name) {
  broken_invariant(fmt::format("Object {} is not an instance of type {}", fmt::ptr(&object), type_name));
}

// --- Weak links ---

void WeakLink::reset(Object* target) {
  debug_invariant(!(target_ || target) || in_main_thread(),
                  "a link is set or cleared in another thread than the main one; call "
                  "AioContext::schedule_oneshot() of the main loop instead");
  if (target_) {
    *previous_ = next_;
    if (next_) next_->previous_ = previous_;
  }
  target_ = target;
  if (!target) return;
  auto& first = target->extras().weak_links;
  next_ = first;
  previous_ = &first;
  if (next_) next_->previous_ = &next_;
  first = this;
}

}  // namespace qomio

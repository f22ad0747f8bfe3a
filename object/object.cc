// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/object.h"

#include <fmt/format.h>
#include <glib.h>

#include <algorithm>
#include <charconv>
#include <ranges>
#include <utility>

#include "qomio/object/internal/class_data.h"
#include "qomio/object/internal/object_access.h"
#include "qomio/object/internal/object_data.h"
#include "qomio/object/internal/observers.h"
#include "qomio/object/internal/weak_list.h"
#include "qomio/object/property.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {
namespace {

// An object with at least this many children finds them through a hash table.
constexpr std::size_t kIndexedChildren = 8;

// Maximum number of nested calls in which objects destroy the objects that they own; see finalize().
constexpr unsigned kMaxNestedEnds = 500;

// The end of a name that is replaced by the first free number in brackets.
constexpr std::string_view kAnyNumber = "[*]";

}  // namespace

constinit const TypeInfo Object::type_info{
    .name = "object",
    .abstract = true,
    .class_init =
        [](ObjectClass& klass) {
          klass.add(property("type", &Object::type_name).describe("name of the type"));
        },
};

Object::Object() = default;
// The 0 lets unref() detect a reference that is released once too often, unless the memory has been reused.
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
      // The main thread is using the object, so it releases this reference when it is idle.
      g_idle_add_full(
          G_PRIORITY_DEFAULT, [](gpointer used) { return static_cast<Object*>(used)->unref(), FALSE; }, self,
          nullptr);
    }
    return;
  }
  self->ending_ = true;
  // Callbacks may take and release references to the object while it is destroyed.
  references_.store(1, std::memory_order_relaxed);
  // Clients can create arbitrarily long chains of objects that own each other. To limit the stack, objects
  // beyond kMaxNestedEnds levels wait in a list until the stack is shorter. The list allocates no memory: it
  // uses next_sibling_, which is unused outside a tree.
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
  if (data_) {
    while (!data_->properties.empty()) {
      auto own = std::move(data_->properties.back());
      data_->properties.pop_back();
      own.run_release(*this);
    }
  }
  release_children();
  if (data_) data_->observers.reset();  // changes that hooks and destructors make are not observed
  if (class_) {
    for (const auto hook : std::views::reverse(class_->data().finalize_hooks))
      callback("instance_finalize of type", type_name(), [&] { hook(*this); });
  }
  if (data_) data_->weak_links.clear();
  invariant(references_.load(std::memory_order_relaxed) == 1,
            "a reference to an object was kept beyond the object's destruction");
  delete this;
}

internal::ObjectData& Object::data() {
  if (!data_) data_ = std::make_unique<internal::ObjectData>();
  return *data_;
}

// --- Children ---

Object* Object::child(std::string_view name) const {
  if (data_ && !data_->children.empty()) {
    const auto it = data_->children.find(name);
    return it == data_->children.end() ? nullptr : *it;
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
  if (auto r = internal::check_name(name); !r) return failure(r);
  if (!name.ends_with(kAnyNumber)) {
    if (auto r = check_name_is_free(name); !r) return failure(r);
    return std::string(name);
  }
  name.remove_suffix(kAnyNumber.size());
  auto& [next, returned] = data().numberings[std::string(name)];
  for (;;) {
    const std::size_t number = returned.empty() ? next++ : returned.extract(returned.begin()).value();
    std::string numbered = fmt::format("{}[{}]", name, number);
    if (check_name_is_free(numbered)) return numbered;  // otherwise it was taken under its full name
  }
}

void Object::release_number(std::string_view name) {
  if (data_->numberings.empty() || !name.ends_with(']')) return;
  const auto bracket = name.rfind('[');
  if (bracket == std::string_view::npos) return;
  const auto numbering = data_->numberings.find(name.substr(0, bracket));
  if (numbering == data_->numberings.end()) return;
  const auto digits = name.substr(bracket + 1, name.size() - bracket - 2);
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failed != std::errc() || end != digits.data() + digits.size()) return;
  auto& [next, returned] = numbering->second;
  if (number < next) returned.insert(number);
}

Result<void> Object::check_place(std::string_view name, const Object& child) const {
  if (child.root_ != internal::Root::none) return error("a root can't be added to a tree, as '{}'", name);
  if (child.parent_) {
    return error("object '{}' already has a parent and can't be added as '{}'", child.name_, name);
  }
  std::size_t level = 0;  // of the child; a root has level 0
  for (const Object* ancestor = this; ancestor; ancestor = ancestor->parent_) {
    if (ancestor == &child) return error("an object can't be added below itself, as '{}'", name);
    ++level;
  }
  const auto too_deep = [&] {
    return error("'{}' can't be added: objects are nested at most {} levels deep", name, kMaxLevels);
  };
  if (level > kMaxLevels) return too_deep();
  // Visits the child's descendants without recursion, since they may be nested as deep as a whole tree.
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
  if (internal::is_anything_observed()) internal::report_added(child);
  return {};
}

// Does all remaining allocations of add_child(), so that running out of memory leaves nothing half done; only
// a number in brackets may be lost.
void Object::index_child(Object& child, std::string name) {
  internal::ObjectData& more = data();
  child.name_.swap(name);
  try {
    if (more.child_count + 1 == kIndexedChildren) {
      internal::ChildIndex index;
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
  internal::ObjectData& more = *data_;
  if (--more.child_count < kIndexedChildren) {
    more.children = internal::ChildIndex();  // clear() would keep the memory
  } else {
    more.children.erase(&child);
  }
  release_number(child.name_);
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
      unlink_child(*child);  // its unparent() has been called
    } else {
      child->leave_tree();
    }
  }
}

void Object::leave_tree() {
  require_main_thread("object_unparent()");
  if (!parent_ || leaving_) return;
  const Ref<Object> keep(*this);
  leaving_ = true;
  if (internal::is_anything_observed()) internal::report_removed(*this);
  callback("unparent() of", name_, [this] { unparent(); });
  if (internal::is_anything_observed()) internal::report_removed_below(*this);
  if (parent_) parent_->unlink_child(*this);
  leaving_ = false;
}

void Object::set_complete() {
  if (std::exchange(complete_, true)) return;
  if (internal::is_anything_observed()) internal::report_completed(*this);
}

bool Object::is_user_made() const {
  return user_made_ && parent_ && parent_->root_ == internal::Root::objects;
}

std::optional<std::string> Object::path() const {
  std::vector<const Object*> chain;
  const Object* at = this;
  for (; at->parent_; at = at->parent_) chain.push_back(at);
  if (at->root_ != internal::Root::tree) return std::nullopt;
  if (chain.empty()) return "/";
  std::string path;
  for (const Object* below : std::views::reverse(chain)) {
    path += '/';
    path += below->name_;
  }
  return path;
}

int internal::visit_one(const std::function<int(Object&)>& visit, Object& object) {
  return callback("walk at", object.name(), [&] { return visit(object); });
}

int internal::for_each_below(Object& parent, const std::function<int(Object&)>& visit) {
  struct Pending {
    Ref<Object> object;
    Ref<Object> parent;  // the object's parent when it was found
  };
  std::vector<Pending> pending;  // a stack instead of recursion, because trees may be deep
  const auto add_children = [&](Object& of) {
    const auto first = static_cast<std::ptrdiff_t>(pending.size());
    for (Object* child = of.first_child(); child; child = child->next_sibling())
      pending.push_back({Ref<Object>(*child), Ref<Object>(of)});
    std::reverse(pending.begin() + first, pending.end());
  };
  add_children(parent);
  while (!pending.empty()) {
    const auto [object, expected] = std::move(pending.back());
    pending.pop_back();
    if (object->parent() != expected.get()) continue;
    if (const int stop = visit_one(visit, *object)) return stop;
    add_children(*object);
  }
  return 0;
}

// --- Making and casting ---

Result<const ObjectClass*> internal::find_class(const TypeInfo& info, bool (*is_instance)(const Object&)) {
  auto found = object_class_by_name(info.name);
  if (found) (*found)->data().expect_instances(is_instance);
  return found;
}

void object_check_failed(const Object& object, std::string_view type_name) {
  broken_invariant(fmt::format("Object {} is not an instance of type {}", fmt::ptr(&object), type_name));
}

internal::ObjectData& internal::ObjectAccess::data(Object& object) { return object.data(); }

void internal::WeakNode::set_target(Object* target) {
  clear();
  if (target) join(ObjectAccess::data(*target).weak_links, *target);
}

}  // namespace qomio

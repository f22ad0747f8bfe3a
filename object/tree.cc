// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/tree.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "qomio/object/internal/class_data.h"
#include "qomio/object/internal/object_access.h"
#include "qomio/object/property.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {

constinit const TypeInfo Container::type_info{
    .name = "container",
    .parent = "object",
    .create = create<Container>,
};

namespace {

// Makes a container without applying global defaults, which may be meant for all objects, but not for roots.
Ref<Object> make_container() {
  auto container = Ref<Object>::adopt(new Container);
  internal::ObjectAccess::set_class(*container, internal::class_of<Container>());
  return container;
}

}  // namespace

// The root of a tree, its permanent child /objects, and the root outside the tree.
struct internal::Roots {
  Roots() {
    (void)root->add_child("objects", *objects);
    ObjectAccess::make_root(*root, Root::tree);
    ObjectAccess::make_root(*objects, Root::objects);
    ObjectAccess::make_root(*outside, Root::internal);
  }
  // Those of the innermost PrivateTree, otherwise those of the process.
  static Roots& present() {
    // Never destroyed, because objects may be destroyed after static destructors have started.
    static auto& process = *new Roots;
    return innermost ? *innermost : process;
  }
  static inline constinit Roots* innermost = nullptr;

  const Ref<Object> root = make_container();
  const Ref<Object> objects = make_container();
  const Ref<Object> outside = make_container();
};

namespace {

// Removes the first component from a path and returns it; empty when there is none left.
std::string_view take_component(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const auto component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

// Whether the object's path ends with these components.
bool ends_in(const Object& object, const std::vector<std::string_view>& parts) {
  const Object* at = &object;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!at || !at->parent() || at->name() != *part) return false;
    at = at->parent();
  }
  return at != nullptr;
}

// Returns the next object in the tree below `top`, parents first; null at the end. Does not recurse, because
// trees may be deep.
const Object* next_in_tree(const Object& object, const Object& top) {
  if (const Object* child = object.first_child()) return child;
  const Object* at = &object;
  while (at != &top) {
    if (const Object* sibling = at->next_sibling()) return sibling;
    at = at->parent();
  }
  return nullptr;
}

Resolved resolve_absolute(std::string_view path, const ObjectClass* wanted) {
  Object* at = &object_root();
  for (auto part = take_component(path); !part.empty(); part = take_component(path)) {
    Object* next = at->child(part);
    if (!next) {
      const Property* property = at->find_property(part);
      next = property ? property->target(*at) : nullptr;
    }
    if (!next) return {};
    at = next;
  }
  return {wanted && !at->object_class().is_a(*wanted) ? nullptr : at, false};
}

Resolved resolve_partial(std::string_view path, const ObjectClass* wanted) {
  std::vector<std::string_view> parts;
  for (auto part = take_component(path); !part.empty(); part = take_component(path)) parts.push_back(part);
  const Object* found = nullptr;
  for (const Object* at = &object_root(); at; at = next_in_tree(*at, object_root())) {
    if (!ends_in(*at, parts) || (wanted && !at->object_class().is_a(*wanted))) continue;
    if (found) return {nullptr, true};
    found = at;
  }
  return {const_cast<Object*>(found), false};
}

Resolved resolve(std::string_view path, const ObjectClass* wanted) {
  return path.starts_with('/') ? resolve_absolute(path, wanted) : resolve_partial(path, wanted);
}

}  // namespace

Object& object_root() {
  require_main_thread("object_root()");
  return *internal::Roots::present().root;
}

Object& objects_root() {
  require_main_thread("objects_root()");
  return *internal::Roots::present().objects;
}

Object& internal_root() {
  require_main_thread("internal_root()");
  return *internal::Roots::present().outside;
}

PrivateTree::PrivateTree() : roots_(std::make_unique<internal::Roots>()) {
  require_main_thread("PrivateTree");
  outer_ = std::exchange(internal::Roots::innermost, roots_.get());
}

PrivateTree::~PrivateTree() {
  invariant(internal::Roots::innermost == roots_.get(),
            "a PrivateTree is destroyed before one made after it");
  objects_cleanup();
  // Destructors of objects may still look at the tree, so it stays the present one until all are gone.
  for (Object* const top : {roots_->outside.get(), roots_->root.get()}) {
    object_child_foreach(*top, [](Object& child) {
      if (!internal::ObjectAccess::is_root(child)) object_unparent(child);
      return 0;
    });
  }
  internal::Roots::innermost = outer_;
}

void object_unparent(Object& object) {
  require_main_thread("object_unparent()");
  invariant(!internal::ObjectAccess::is_root(object), "a root of the object tree can't be unparented");
  internal::ObjectAccess::leave_tree(object);
}

void objects_cleanup() {
  while (Object* newest = internal::ObjectAccess::last_that_stays(objects_root())) object_unparent(*newest);
}

std::optional<std::string> object_get_canonical_path(const Object& object) { return object.path(); }

Resolved object_resolve_path(std::string_view path) { return resolve(path, nullptr); }

Resolved object_resolve_path_type(std::string_view path, std::string_view type_name) {
  const auto klass = object_class_by_name(type_name);
  return klass ? resolve(path, *klass) : Resolved{};
}

int object_child_foreach(Object& parent, const std::function<int(Object&)>& visit) {
  const Ref<Object> keep(parent);
  std::vector<Ref<Object>> children;
  for (Object* child = parent.first_child(); child; child = child->next_sibling())
    children.emplace_back(*child);
  for (const auto& child : children) {
    if (child->parent() != &parent) continue;
    if (const int stop = internal::visit_one(visit, *child)) return stop;
  }
  return 0;
}

int object_child_foreach_recursive(Object& parent, const std::function<int(Object&)>& visit) {
  return internal::for_each_below(parent, visit);
}

}  // namespace qomio

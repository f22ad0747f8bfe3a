// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/object/tree.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

#include "qomio/object/property.h"
#include "qomio/object/types.h"
#include "qomio/qapi/internal/invariant.h"
#include "qomio/qapi/internal/main_thread.h"

namespace qomio {

constinit const TypeInfo Container::type_info{
    .name = "container",
    .parent = "object",
    .create = create<Container>,
};

// Names the private links between siblings for walks.
class Tree {
 public:
  static std::vector<Ref<Object>> children(const Object& parent) {
    std::vector<Ref<Object>> children;
    for (Object* child = parent.first_child_; child; child = child->next_sibling_)
      children.emplace_back(*child);
    return children;
  }
  static Object* first_child(const Object& object) { return object.first_child_; }
  static Object* next_sibling(const Object& object) { return object.next_sibling_; }
  // The last one that isn't on its way out already.
  static Object* last_that_stays(const Object& object) {
    Object* child = object.last_child_;
    while (child && child->leaving_) child = child->previous_sibling_;
    return child;
  }
  static void add_root(Object& parent, std::string_view name, Object& child) {
    child.is_root_ = false;
    (void)parent.add_child(name, child);
    child.is_root_ = true;
  }
  // Made without the global defaults of the program, which may be for all objects: it stands before them.
  static Object& make_root() {
    auto* root = new Container;
    root->class_ = &detail::class_of<Container>();
    root->is_root_ = true;
    return *root;
  }
};

namespace {

Object& make_root() {
  register_object_types();
  return Tree::make_root();
}

// The tree and /objects, which is always there.
struct Roots {
  Roots() { Tree::add_root(root, "objects", objects); }
  static Roots& process() {
    static Roots roots;
    return roots;
  }
  Object& root = make_root();
  Object& objects = make_root();
};

// Cuts the first component off a path; empty when there is none left.
std::string_view take_component(std::string_view& path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  const auto component = path.substr(0, path.find('/'));
  path.remove_prefix(component.size());
  return component;
}

// Does the object's path end in these components?
bool ends_in(const Object& object, const std::vector<std::string_view>& parts) {
  const Object* at = &object;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!at || !at->parent() || at->name() != *part) return false;
    at = at->parent();
  }
  return at != nullptr;
}

// The next object of a walk over the tree below `top`, parents first, without recursion: trees may be deep.
const Object* next_in_tree(const Object& object, const Object& top) {
  if (const Object* child = Tree::first_child(object)) return child;
  const Object* at = &object;
  while (at != &top) {
    if (const Object* sibling = Tree::next_sibling(*at)) return sibling;
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

int visit_one(const std::function<int(Object&)>& visit, Object& object) {
  return callback("walk at", object.name(), [&] { return visit(object); });
}

}  // namespace

Object& object_root() {
  require_main_thread("object_root()");
  return Roots::process().root;
}

Object& objects_root() {
  require_main_thread("objects_root()");
  return Roots::process().objects;
}

Object& internal_root() {
  require_main_thread("internal_root()");
  static Object& root = make_root();
  return root;
}

void objects_cleanup() {
  while (Object* newest = Tree::last_that_stays(objects_root())) object_unparent(*newest);
}

std::optional<std::string> object_get_canonical_path(const Object& object) {
  std::vector<const Object*> chain;
  const Object* at = &object;
  for (; at->parent(); at = at->parent()) chain.push_back(at);
  if (at != &object_root()) return std::nullopt;
  if (chain.empty()) return "/";
  std::string path;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    path += '/';
    path += (*it)->name();
  }
  return path;
}

Resolved object_resolve_path(std::string_view path) { return resolve(path, nullptr); }

Resolved object_resolve_path_type(std::string_view path, std::string_view type_name) {
  const auto klass = object_class_by_name(type_name);
  return klass ? resolve(path, *klass) : Resolved{};
}

int object_child_foreach(Object& parent, const std::function<int(Object&)>& visit) {
  const Ref<Object> keep(parent);
  for (const auto& child : Tree::children(parent)) {
    if (child->parent() != &parent) continue;
    if (const int stop = visit_one(visit, *child)) return stop;
  }
  return 0;
}

int object_child_foreach_recursive(Object& parent, const std::function<int(Object&)>& visit) {
  struct Pending {
    Ref<Object> object;
    Ref<Object> parent;  // at the time it was found
  };
  std::vector<Pending> pending;  // a stack, and no recursion: trees may be deep
  const auto add_children = [&](Object& of) {
    const auto children = Tree::children(of);
    for (const auto& child : std::views::reverse(children)) pending.push_back({child, Ref<Object>(of)});
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

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "qomio/object/object.h"

// The tree of objects, its paths and traversal. Thread: the main thread.
namespace qomio {

namespace internal {
struct Roots;
}

// Holds children and does nothing else.
class Container final : public Object {
 public:
  static const TypeInfo type_info;
};

// "/", and "/objects" with the objects that users create. Made by the first call.
Object& object_root();
Object& objects_root();
// A root outside the tree; objects below it have no path.
Object& internal_root();

// A tree of its own, for tests: while it exists, object_root(), objects_root() and internal_root() are the
// roots of this tree, which is empty at first, and paths, links, aliases and commands find objects in it
// alone. The destructor unparents all remaining objects, those in /objects newest first, and restores the
// previous roots. Objects of another tree stay there. Destroy a later PrivateTree before an earlier one.
class PrivateTree {
 public:
  PrivateTree();
  PrivateTree(const PrivateTree&) = delete;
  PrivateTree& operator=(const PrivateTree&) = delete;
  ~PrivateTree();

 private:
  std::unique_ptr<internal::Roots> roots_;
  internal::Roots* outer_;
};

// Removes the object from the tree: calls its unparent(), clears its parent, and releases the tree's
// reference. Does nothing if the object has no parent or is already being unparented. Aborts if the object is
// one of the three roots.
void object_unparent(Object& object);

// Unparents all children of /objects, newest first. Call it at the end of the program.
void objects_cleanup();
// Does this at the end of a scope. In main(), declare one after the MainLoop and the CommandRegistry, which
// the objects use, and before the QmpServer, whose clients must be gone first.
class ObjectsCleanup {
 public:
  ObjectsCleanup() = default;
  ObjectsCleanup(const ObjectsCleanup&) = delete;
  ObjectsCleanup& operator=(const ObjectsCleanup&) = delete;
  ~ObjectsCleanup() { objects_cleanup(); }
};

// Returns the path, for example "/objects/io0"; nullopt for an object outside the tree.
std::optional<std::string> object_get_canonical_path(const Object& object);

// The result of resolving a path. An absolute path begins with '/' and is resolved through children, links
// and aliases. A partial path matches every object whose path ends with it; only children are followed. Empty
// components are skipped; "." and ".." are ordinary names. "" matches every object. Resolving a partial path
// takes time proportional to the size of the tree.
struct Resolved {
  Object* object = nullptr;  // null if no object or more than one matches
  bool ambiguous = false;    // more than one object matches a partial path
};
Resolved object_resolve_path(std::string_view path);
// The same, restricted to objects of one type or that implement one interface. An unknown type finds nothing.
Resolved object_resolve_path_type(std::string_view path, std::string_view type_name);

// Calls `visit` for the present children, oldest first, until it returns a value other than 0, which is then
// returned. `visit` may unparent any object; objects that have left the parent are not visited.
int object_child_foreach(Object& parent, const std::function<int(Object&)>& visit);
// The same for all descendants, parents first.
int object_child_foreach_recursive(Object& parent, const std::function<int(Object&)>& visit);

}  // namespace qomio

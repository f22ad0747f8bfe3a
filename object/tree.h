// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "qomio/object/object.h"

// The tree of objects, its paths and walks. Thread: the main thread.
namespace qomio {

// Holds children and does nothing else.
class Container final : public Object {
 public:
  static const TypeInfo type_info;
};

// "/", and "/objects" for what users make. They exist from the first call on.
Object& object_root();
Object& objects_root();
// Outside the tree: objects below it have no path.
Object& internal_root();

// Takes the object out of the tree: calls its unparent(), clears its parent, and releases the tree's
// reference. Does nothing for an object without parent, or one that is being unparented already. To unparent
// one of the three roots is a broken invariant.
void object_unparent(Object& object);

// Unparents everything below /objects, newest first. For the end of the program.
void objects_cleanup();

// "/objects/io0"; nothing for an object outside the tree.
std::optional<std::string> object_get_canonical_path(const Object& object);

// What a path leads to. An absolute path begins with '/' and is followed through children, links and aliases;
// a partial one matches every object whose path ends so, through children only. Empty components are skipped;
// "." and ".." are ordinary names. "" matches everything.
struct Resolved {
  Object* object = nullptr;  // null: nothing there, or ambiguous
  bool ambiguous = false;    // more than one object matches a partial path
};
Resolved object_resolve_path(std::string_view path);
// The same among objects of one type (or that implement an interface); an unknown type finds nothing. Costs
// the size of the tree for a partial path.
Resolved object_resolve_path_type(std::string_view path, std::string_view type_name);

// Calls `visit` for the children present at the time of the call, oldest first, until it returns something
// other than 0, which is returned. It may unparent any object; objects that have left are not visited.
int object_child_foreach(Object& parent, const std::function<int(Object&)>& visit);
// The same for all descendants, parents first.
int object_child_foreach_recursive(Object& parent, const std::function<int(Object&)>& visit);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
// The first line builds a tree: each byte is an object, its lower half selects the parent, its upper half the
// name. Each further line is a path, which must resolve to what a search through all canonical paths finds.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "qomio/tests/fuzz/fuzz.h"
#include "qomio/tests/fuzz/gadget.h"

namespace qomio::fuzz {
namespace {

constexpr std::array<std::string_view, 16> kNames{"a",      "b", "c",  "ab",      "objects", "type",
                                                  "friend", ".", "..", "[0]",     "x[*]",    "a b",
                                                  "-",      "0", "A",  "\xc3\xa9"};

void grow(std::string_view line) {
  std::vector<Ref<Object>> made{Ref<Object>(objects_root())};
  for (const char byte : line) {
    const auto number = static_cast<unsigned char>(byte);
    const auto object = object_new("gadget");
    Object& parent = *made[(number & 0xfU) % made.size()];
    if (!parent.add_child(kNames[number >> 4U], **object)) continue;
    made.push_back(*object);
    const auto linked = object_get_canonical_path(*made[number % made.size()]);
    (void)made.back()->set_property("friend", Json(*linked));  // fails for objects_root()
  }
}

// Returns the path without empty parts and with a leading slash: "/a/b" for "a//b/".
std::string tidy(std::string_view path) {
  std::string out;
  for (bool at_slash = true; const char c : path) {
    if (c == '/') {
      at_slash = true;
      continue;
    }
    if (at_slash) out += '/';
    at_slash = false;
    out += c;
  }
  return out;
}

// Returns all objects whose canonical path ends with `end`.
std::vector<Object*> search(std::string_view end) {
  std::vector<Object*> found;
  const auto look_at = [&](Object& object) {
    const std::string path = *object_get_canonical_path(object);
    if (path.ends_with(end)) found.push_back(&object);
    return 0;
  };
  look_at(object_root());
  object_child_foreach_recursive(object_root(), look_at);
  return found;
}

void check(std::string_view path) {
  const Resolved resolved = object_resolve_path(path);
  require(!(resolved.object && resolved.ambiguous), "one object or none");
  const Resolved typed = object_resolve_path_type(path, "object");
  require(typed.object == resolved.object && typed.ambiguous == resolved.ambiguous,
          "everything is an object");
  require(!object_resolve_path_type(path, "nothing").object, "nothing is of an unknown type");
  if (resolved.object) {
    const auto canonical = object_get_canonical_path(*resolved.object);
    require(canonical.has_value(), "what a path leads to has a path");
    require(object_resolve_path(*canonical).object == resolved.object, "which leads there, too");
  }

  const std::string end = tidy(path);
  if (path.starts_with('/')) {
    require(!resolved.ambiguous, "an absolute path is never ambiguous");
    // The path may lead through links, which the search does not follow.
    const auto at = end.empty() ? &object_root() : nullptr;
    if (at) require(resolved.object == at, "the root");
    for (Object* found : search(end)) {
      if (object_get_canonical_path(*found) == end)
        require(resolved.object == found, "children come before links");
    }
  } else {
    const auto found = search(end);
    require(resolved.ambiguous == (found.size() > 1), "ambiguous is what more than one path ends in");
    require(resolved.object == (found.size() == 1 ? found[0] : nullptr),
            "one path ends so, or there is no object");
  }
}

}  // namespace
}  // namespace qomio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio::fuzz;
  register_gadget();
  std::string_view rest = as_text(data, size);
  const std::string_view first = take_line(rest);
  grow(first.substr(0, 64));
  while (!rest.empty()) check(take_line(rest));
  remove_all();
  return 0;
}

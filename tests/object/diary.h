// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/observe.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"

namespace qomio {

// Records the changes below a root, by default /objects, for example "added /objects/d0" and, for a property,
// "angle /objects/d0".
class Diary {
 public:
  explicit Diary(Object& root = objects_root())
      : observation_(observe_tree(root, [this](const ObjectChange& change) { note(change); })) {}
  std::vector<std::string> take() { return std::exchange(lines_, {}); }
  void end() { observation_ = {}; }

 private:
  void note(const ObjectChange& change) {
    const std::string what = change.property                            ? change.property->name()
                             : change.kind == ObjectChange::Kind::added ? "added"
                                                                        : "removed";
    lines_.push_back(fmt::format("{} {}", what, change.object.path().value_or("nowhere")));
  }
  std::vector<std::string> lines_;
  Observation observation_;
};

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qomio/object/object.h"
#include "qomio/object/object_listener.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"

namespace qomio {

// Records its notifications, for example "added /objects/d0" and, for a property, "angle /objects/d0".
class Diary final : public ObjectListener {
 public:
  void added(Object& object) override { note("added", object); }
  void removed(Object& object) override { note("removed", object); }
  void changed(Object& object, const Property& property) override { note(property.name(), object); }
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  void note(std::string_view what, const Object& object) {
    lines_.push_back(fmt::format("{} {}", what, object_get_canonical_path(object).value_or("nowhere")));
  }
  std::vector<std::string> lines_;
};

}  // namespace qomio

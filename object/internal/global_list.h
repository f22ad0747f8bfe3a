// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/object/object.h"

// The list of global defaults; see object/global_defaults.h.
namespace qomio::internal {

struct GlobalDefault {
  std::string type;
  std::string property;
  std::string value;
  bool is_users;  // from the command line; the program's defaults come first
};

// In the order in which they are applied.
std::vector<GlobalDefault>& global_defaults();

// Sets the defaults that apply to the object. Errors: `can't apply global t.p=v: ...`.
Result<void> apply_global_defaults(Object& object);

}  // namespace qomio::internal

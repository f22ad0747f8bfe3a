// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/object/object.h"

// The global defaults as plain data; object/global_defaults.h says what they are.
namespace qomio::internal {

struct GlobalDefault {
  std::string type;
  std::string property;
  std::string value;
  bool is_users;  // from the command line; those of the program come first
};

// In the order in which they are applied.
std::vector<GlobalDefault>& global_defaults();

// Sets those that are meant for the object. Errors: `can't apply global t.p=v: ...`.
Result<void> apply_global_defaults(Object& object);

}  // namespace qomio::internal

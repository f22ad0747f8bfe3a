// SPDX-License-Identifier: GPL-2.0-or-later
// A module that is wrongly linked with the library, so it would register its type in its own copy.
#include "qomio/object/module.h"
#include "qomio/object/object.h"

namespace {

using namespace qomio;

const TypeInfo kStray{.name = "stray", .parent = "object"};

}  // namespace

extern "C" const ModuleInfo qomio_module{kModuleAbi, [] { return register_type(kStray); }};

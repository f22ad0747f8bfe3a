// SPDX-License-Identifier: GPL-2.0-or-later
// A module that was linked with the library, as programs are: it would register its type with its own copy.
#include "qomio/object/module.h"
#include "qomio/object/object.h"

namespace {

using namespace qomio;

const TypeInfo kStray{.name = "stray", .parent = "object"};

}  // namespace

extern "C" const ModuleInfo qomio_module{kModuleAbi, [] { return register_type(kStray); }};

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/qapi/internal/schema/type_description.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

class CommandRegistry;
enum class Access;

// The result of query-qmp-schema: a flat list of entries that refer to each other by name. Commands, events
// and builtin types keep their names, lists are named "[element]", and all other types are numbered, since
// clients must not rely on their names. Every integer type appears as `int`. The list contains only commands
// that a client with this access may run, only types that a command or event uses, each once, and nothing
// that the policy hides. This is as in QEMU, except that unstable features can be hidden, too.
Json schema_json(const CommandRegistry& registry, Access access);

// The type of that result.
const TypeDescription& schema_type();

}  // namespace qomio

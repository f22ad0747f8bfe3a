// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "qomio/qapi/internal/schema/type_description.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

class CommandRegistry;
enum class Access;

// The answer of query-qmp-schema: a flat list of entries that refer to each other by name. Commands, events
// and builtin types keep their names, lists are "[element]", all other types are numbered: their names are no
// promise. Every integer type shows as `int`. Only types that a command or an event reaches are listed, each
// once, only commands that a client with that access may run, and nothing that the policy hides: as in QEMU,
// but what is unstable can be hidden, too.
Json schema_json(const CommandRegistry& registry, Access access);

// The type of that answer.
const TypeDescription& schema_type();

}  // namespace qomio

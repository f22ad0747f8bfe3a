// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace qomio {

class Interface;

// A page of Markdown about all that an interface offers: its commands with arguments and results, its events,
// and the types that these use. From the same descriptions as query-qmp-schema, but with the names of types
// and the descriptions. The order is fixed: by name.
std::string qmp_reference(const Interface& interface);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

// Registers object, interface, container and user-creatable, and the commands about objects (qom-*,
// object-*). The registrations of the other libraries call it. Thread-safe; calling it again does nothing.
void register_object_types();

}  // namespace qomio

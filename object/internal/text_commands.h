// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

class CommandRegistry;

// Adds qom-get-text, qom-set-text and object-add-text, which pass properties as text, as in --object. A
// client need not know the type of a property, and the output of qom-get-text is valid input for the others.
void add_text_commands(CommandRegistry& commands);

}  // namespace qomio

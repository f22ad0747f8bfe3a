// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qomio {

class CommandRegistry;

// qom-get-text, qom-set-text, object-add-text: properties as text, as people type them behind --object. A
// client need not know of what type a property is, and what one command shows, the others take.
void add_text_commands(CommandRegistry& commands);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "qomio/qapi/error.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/visitor.h"

namespace qomio {

// The options of one command-line argument: `iothread,id=io0,rules.0.policy=deny`.
struct Keyval {
  Json values = Json::object();  // objects, lists and strings
  bool help = false;             // a bare `help` or `?` was among them
};

// Whether a bare `help` or `?` is a question, or a key like any other.
enum class KeyvalHelp { Taken, NotTaken };

// Reads KEY=VALUE[,KEY=VALUE]...
//
// - A value ends at a comma; two commas stand for one. A comma at the end of the text is ignored.
// - A key is one or more fragments with dots between: a name (letters, digits, '-', '_', a letter first) is a
// member of
//   an object, digits are an element of a list. The first is a name. Elements may come in any order; `01` is
//   `1`.
// - The last of equal keys wins; members keep the order of their first appearance.
// - With an implied key (`qom-type`), the first value may stand without it, when it isn't empty and holds no
// '='.
// - All values are strings: who reads them converts them.
//
// Nesting ends at 1024 levels. Errors (GenericError): `Invalid parameter 'a..b'`, `Parameter 'aaa...' is too
// long` (127 bytes a fragment), `Expected '=' after parameter 'a'`, `Parameters 'a.*' used inconsistently`,
// `Parameter 'a.1' missing`.
Result<Keyval> parse_keyval(std::string_view text, std::string_view implied_key = {},
                            KeyvalHelp help = KeyvalHelp::Taken);

}  // namespace qomio

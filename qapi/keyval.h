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
  bool help = false;             // the text contains a bare `help` or `?`
};

// Whether a bare `help` or `?` asks for help or is a key like any other.
enum class KeyvalHelp { Taken, NotTaken };

// Reads KEY=VALUE[,KEY=VALUE]...
//
// - A value ends at a comma; two commas stand for one. A comma at the end of the text is ignored.
// - A key consists of fragments with dots between them. A name (letters, digits, '-', '_', a letter first) is
//   a member of an object, digits are an element of a list. The first fragment must be a name. Elements may
//   come in any order; `01` is `1`.
// - If a key appears more than once, its last value is used; members keep the order of their first
//   appearance.
// - If there is an implied key (`qom-type`), the first value may omit it, unless the value is empty or
//   contains '='.
// - All values are strings; their reader converts them.
//
// A key has at most 1024 fragments. Errors (GenericError): `Invalid parameter 'a..b'`,
// `Parameter 'aaa...' is too long` (127 bytes per fragment), `Expected '=' after parameter 'a'`,
// `Parameters 'a.*' used inconsistently`, `Parameter 'a.1' missing`.
Result<Keyval> parse_keyval(std::string_view text, std::string_view implied_key = {},
                            KeyvalHelp help = KeyvalHelp::Taken);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/error.h"

// Values from outside that properties of objects made later have from the start: `--global
// iothread.poll-max-ns=0`. They are set after the instance_init hooks, through the property, as text on a
// command line is; values given for one object win over them. Thread: the main thread.
namespace qomio {

enum class GlobalOrigin { program, user };

// For all objects of the type and of types derived from it, or that implement it. Applied in the order in
// which they came, those of the program first, so the latest of the user wins. Type and property need not be
// known yet. A value that turns out wrong is an error of making an object: `can't apply global t.p=v: ...`.
void add_global_default(std::string_view type, std::string_view property, std::string_view value,
                        GlobalOrigin origin = GlobalOrigin::program);

// From the command line: `TYPE.PROPERTY=VALUE`, or `driver=TYPE,property=PROPERTY,value=VALUE`, which the
// property of a type whose name has dots needs. Errors: text in neither form.
Result<void> parse_global_default(std::string_view text);

// What is suspicious about those of the user, a sentence each: `global x.y has invalid class name`, for an
// unknown type; `global t.x=v has invalid property name`, for a property that t's class doesn't have. For a
// program to print, once all types are registered.
std::vector<std::string> global_default_warnings();

// Forgets all.
void remove_global_defaults();

}  // namespace qomio

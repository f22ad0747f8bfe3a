// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/error.h"

// Default values for properties of objects that are made later: `--global iothread.poll-max-ns=0`. They are
// set from text, like properties on a command line, after the instance_init hooks. Values given for an object
// override them. Thread: the main thread.
namespace qomio {

enum class GlobalOrigin { program, user };

// Adds a default for all objects whose type is `type`, derives from it or implements it. Defaults are applied
// in the order in which they were added, the program's before the user's, so the user's last one wins. The
// type and the property need not be registered yet. A wrong value makes object_new() fail:
// `can't apply global t.p=v: ...`.
void add_global_default(std::string_view type, std::string_view property, std::string_view value,
                        GlobalOrigin origin = GlobalOrigin::program);

// Adds a default from the command line: `TYPE.PROPERTY=VALUE`, or
// `driver=TYPE,property=PROPERTY,value=VALUE`, which is needed if the name of the type contains a dot.
// Errors: text in neither form.
Result<void> parse_global_default(std::string_view text);

// Returns warnings about the user's defaults, one sentence each: `global x.y has invalid class name` for an
// unknown type; `global t.x=v has invalid property name` for a property that the class of t does not have. A
// program prints them after all types are registered.
std::vector<std::string> global_default_warnings();

// Removes all global defaults.
void remove_global_defaults();

}  // namespace qomio

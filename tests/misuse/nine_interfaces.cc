// SPDX-License-Identifier: GPL-2.0-or-later
// expected later: overflow
#include "qomio/object/type.h"

constinit const qomio::TypeInfo info{.name = "thing",
                                     .parent = "object",
                                     .interfaces = {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"}};

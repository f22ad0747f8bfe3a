// SPDX-License-Identifier: GPL-2.0-or-later
// A module that counts how often it is asked for its types, as `registrations`.
#include "qomio/object/module.h"

extern "C" int registrations;
int registrations = 0;

extern "C" const qomio::ModuleInfo qomio_module{qomio::kModuleAbi,
                                                [](qomio::CommandRegistry&) -> qomio::Result<void> {
                                                  ++registrations;
                                                  return {};
                                                }};

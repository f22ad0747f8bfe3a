// SPDX-License-Identifier: GPL-2.0-or-later
// A module whose register_types is null by mistake.
#include "qomio/object/module.h"

extern "C" const qomio::ModuleInfo qomio_module{qomio::kModuleAbi, nullptr};

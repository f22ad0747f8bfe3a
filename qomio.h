// SPDX-License-Identifier: GPL-2.0-or-later
// What most programs need of qomio. Not in here, since they cost more to compile or are rarely needed:
// qapi/json.h (the complete type Json), qapi/keyval.h, object/config.h, object/module.h,
// object/global_defaults.h, coroutines. Each header stands alone.
#pragma once

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/object_commands.h"
#include "qomio/object/observe.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/qapi/session.h"

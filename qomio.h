// SPDX-License-Identifier: GPL-2.0-or-later
// All of qomio. Smaller programs include what they use: each header stands alone.
#pragma once

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/object/link.h"
#include "qomio/object/object.h"
#include "qomio/object/property.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"
#include "qomio/qapi/command.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/keyval.h"
#include "qomio/qapi/qmp_server.h"

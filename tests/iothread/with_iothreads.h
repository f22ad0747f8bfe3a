// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/object/tree.h"
#include "qomio/object/user_creatable.h"

namespace qomio {

// A test that adds I/O threads below /objects, as users do. Deletes them when it ends.
class WithIOThreads : public ::testing::Test {
 protected:
  WithIOThreads() { register_iothread_types(); }
  ~WithIOThreads() override { objects_cleanup(); }
  static Ref<IOThread> add(const char* id) { return object_new_with_props<IOThread>(id).value(); }
};

}  // namespace qomio

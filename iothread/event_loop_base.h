// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "qomio/iothread/aio_context.h"
#include "qomio/object/object.h"
#include "qomio/object/user_creatable.h"

namespace qomio {

// The abstract type `event-loop-base`: what every event loop can be told. The properties aio-max-batch,
// thread-pool-min and thread-pool-max may be set at any time; before the loop exists they are only kept.
class EventLoopBase : public Object, public UserCreatable {
 public:
  static const TypeInfo type_info;

  std::int64_t aio_max_batch() const { return aio_max_batch_; }
  std::int64_t thread_pool_min() const { return thread_pool_min_; }
  std::int64_t thread_pool_max() const { return thread_pool_max_; }

 protected:
  // The loop that the settings are for; null as long as there is none.
  virtual AioContext* loop() const = 0;

  // Gives the loop all settings of this type. Errors: `bad thread-pool-min/thread-pool-max values`.
  Result<void> apply_loop_params();

 private:
  static void class_init(ObjectClass& klass);

  std::int64_t aio_max_batch_ = 0;
  std::int64_t thread_pool_min_ = 0;
  std::int64_t thread_pool_max_ = 64;
};

}  // namespace qomio

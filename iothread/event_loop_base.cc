// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/event_loop_base.h"

#include <limits>

#include "qomio/object/property.h"

namespace qomio {

constinit const TypeInfo EventLoopBase::type_info{
    .name = "event-loop-base",
    .parent = "object",
    .abstract = true,
    .interfaces = {"user-creatable"},
    .class_init = EventLoopBase::class_init,
};

void EventLoopBase::class_init(ObjectClass& klass) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  klass.add(
      property("aio-max-batch", &EventLoopBase::aio_max_batch_)
          .range(0, kMax)
          .default_value(0)
          .on_change(&EventLoopBase::apply_loop_params)
          .describe(
              "most requests for files in one submission to io_uring, 1 to 128; more count as 128; 0: 32"));
  klass.add(property("thread-pool-min", &EventLoopBase::thread_pool_min_)
                .range(0, kMax)
                .default_value(0)
                .on_change(&EventLoopBase::apply_loop_params)
                .describe("worker threads kept when idle, 0 to thread-pool-max; none is made in advance"));
  klass.add(property("thread-pool-max", &EventLoopBase::thread_pool_max_)
                .range(0, kMax)
                .default_value(64)
                .on_change(&EventLoopBase::apply_loop_params)
                .describe("most worker threads, for work that blocks, 1 to 2147483647"));
}

Result<void> EventLoopBase::apply_loop_params() {
  AioContext* context = loop();
  if (!context) return {};  // judged when the loop is made: until then the values may still come together
  if (thread_pool_max_ == 0 || thread_pool_max_ > std::numeric_limits<std::int32_t>::max() ||
      thread_pool_min_ > thread_pool_max_) {
    return error("bad thread-pool-min/thread-pool-max values");
  }
  context->set_aio_max_batch(aio_max_batch_);
  context->set_thread_pool_params(thread_pool_min_, thread_pool_max_);
  return {};
}

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/loop_params.h"

#include "qomio/iothread/internal/uring.h"
#include "qomio/qapi/describe.h"

namespace qomio {
namespace {

static_assert(internal::aio_max_batch_in_force({.aio_max_batch = INT64_MAX}) == internal::Uring::kEntries);

// Calls function with each row that query-iothreads shows, in its order.
template <class Function>
void for_each_configured(Function function) {
  for_each_setting([&](const auto& setting) {
    if (setting.in_query_iothreads) function(setting);
  });
}

// The same for `effective`.
template <class Function>
void for_each_effective(Function function) {
  for (const SettingKind kind : kEffectiveSettings) for_each_setting(kind, function);
}

// Visits the rows until one fails.
auto visit_rows(Visitor& visitor, LoopParams& params, Result<void>& result) {
  return [&](const auto& setting) {
    if (result) result = visit(visitor, setting.name, params.*setting.member);
  };
}

auto describe_rows(TypeDescription& type) {
  return [&]<class T>(const Setting<T>& setting) { add_member<T>(type, setting.name, setting.help); };
}

}  // namespace

LoopParams LoopParams::in_force() const {
  LoopParams result = *this;
  for_each_setting([&](const auto& setting) {
    if (setting.in_force) result.*setting.member = setting.in_force(*this);
  });
  return result;
}

Result<void> LoopParams::check() const {
  if (thread_pool_max == 0 || thread_pool_max > std::numeric_limits<std::int32_t>::max() ||
      thread_pool_min > thread_pool_max) {
    return error("bad thread-pool-min/thread-pool-max values");
  }
  return {};
}

Result<void> visit_configured(Visitor& visitor, LoopParams& params) {
  Result<void> result;
  for_each_configured(visit_rows(visitor, params, result));
  return result;
}

void describe_configured(TypeDescription& type) { for_each_configured(describe_rows(type)); }

Result<void> visit_effective(Visitor& visitor, LoopParams& params) {
  Result<void> result;
  for_each_effective(visit_rows(visitor, params, result));
  return result;
}

void describe_effective(TypeDescription& type) { for_each_effective(describe_rows(type)); }

}  // namespace qomio

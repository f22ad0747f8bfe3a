// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>

#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"

namespace qomio {

class Visitor;
struct TypeDescription;

// How the polling window is sized; see PollController.
enum class PollPolicy { arrival, classic, weighted };

template <>
inline constexpr auto enum_description<PollPolicy> = EnumDescription(
    "PollPolicy",
    value(PollPolicy::arrival, "arrival", "when events arrive; no polling where it can not win"),
    value(PollPolicy::classic, "classic", "how long the loop slept, wake-up included, as in QEMU"),
    value(PollPolicy::weighted, "weighted", "a running mean of when events arrive, for each descriptor"));

// How a loop waits for descriptors.
enum class FdMonitorKind { poll, epoll, io_uring };

template <>
inline constexpr auto enum_description<FdMonitorKind> = EnumDescription(
    "FdMonitorKind",
    value(FdMonitorKind::poll, "poll", "poll(); epoll for many descriptors or when busy polling checks them"),
    value(FdMonitorKind::epoll, "epoll", "epoll; poll() when a descriptor does not support epoll"),
    value(FdMonitorKind::io_uring, "io_uring", "io_uring; as poll where the kernel refuses it"));

// The settings of a loop that may change while it runs. A value. A zero that selects a default stays zero;
// in_force() replaces it.
//
// To add a setting, add a member here and a row to kLoopSettings. The property, query-iothreads, the
// `effective` settings of query-iothread-stats, the metrics and the manual follow from the row.
struct LoopParams {
  std::int64_t poll_max_ns = 32768;
  std::int64_t poll_grow = 0;
  std::int64_t poll_shrink = 0;
  std::int64_t poll_weight = 0;
  PollPolicy poll_policy = PollPolicy::arrival;
  std::int64_t poll_budget = 100;
  std::int64_t aio_max_batch = 0;
  std::int64_t thread_pool_min = 0;
  std::int64_t thread_pool_max = 64;

  LoopParams in_force() const;
  // Errors: `bad thread-pool-min/thread-pool-max values`. Ranges of single settings are not checked.
  Result<void> check() const;

  friend bool operator==(const LoopParams&, const LoopParams&) = default;
};

enum class SettingKind {
  polling,      // a property of iothread
  poll_policy,  // the same, but not one of QEMU's; listed behind cpu-affinity
  file_io,      // a property of event-loop-base
  thread_pool,  // a property of event-loop-base
};
// The kinds of the `effective` settings, in their order.
inline constexpr std::array kEffectiveSettings{SettingKind::polling, SettingKind::poll_policy,
                                               SettingKind::file_io};

template <class T>
struct SettingDetails {
  SettingKind kind = SettingKind::polling;
  bool in_query_iothreads = false;  // true for QEMU's own settings
  // The allowed range; both ends are included.
  std::int64_t low = 0;
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  T (*in_force)(const LoopParams& params) = nullptr;  // null: the value itself
  std::string_view help;                              // one line, no full stop
};

// A row of the table; its default is the member's initial value.
template <class T>
struct Setting : SettingDetails<T> {
  std::string_view name;  // of the property and in QMP
  T LoopParams::* member = nullptr;
};

namespace internal {

template <class T>
constexpr Setting<T> setting(std::string_view name, T LoopParams::* member, SettingDetails<T> details) {
  return {details, name, member};
}

template <std::int64_t LoopParams::* member, std::int64_t default_value>
constexpr std::int64_t or_default(const LoopParams& params) {
  return params.*member == 0 ? default_value : params.*member;
}
constexpr std::int64_t poll_shrink_in_force(const LoopParams& params) {
  if (params.poll_shrink == 0 && params.poll_policy != PollPolicy::classic) return 2;
  return params.poll_shrink;
}
constexpr std::int64_t aio_max_batch_in_force(const LoopParams& params) {
  constexpr std::int64_t kRingEntries = 128;
  if (params.aio_max_batch == 0) return 32;
  return params.aio_max_batch < kRingEntries ? params.aio_max_batch : kRingEntries;
}

}  // namespace internal

// All settings, in the order of query-iothreads.
inline constexpr auto kLoopSettings = internal::list_of(
    internal::setting(
        "poll-max-ns", &LoopParams::poll_max_ns,
        {.in_query_iothreads = true, .help = "maximum busy-polling time in nanoseconds; 0 disables polling"}),
    internal::setting("poll-grow", &LoopParams::poll_grow,
                      {.in_query_iothreads = true,
                       .in_force = internal::or_default<&LoopParams::poll_grow, 2>,
                       .help = "factor applied to the polling window when a longer one would have caught the "
                               "event; 0 = default (2)"}),
    internal::setting("poll-shrink", &LoopParams::poll_shrink,
                      {.in_query_iothreads = true,
                       .in_force = internal::poll_shrink_in_force,
                       .help = "divisor applied to the polling window after a useless poll; 0 = default (2; "
                               "poll-policy classic: resets the window)"}),
    internal::setting("aio-max-batch", &LoopParams::aio_max_batch,
                      {.kind = SettingKind::file_io,
                       .in_query_iothreads = true,
                       .in_force = internal::aio_max_batch_in_force,
                       .help = "maximum number of file requests per submission to io_uring, at most 128; "
                               "0 = default (32)"}),
    internal::setting("poll-weight", &LoopParams::poll_weight,
                      {.in_query_iothreads = true,
                       .high = 63,
                       .in_force = internal::or_default<&LoopParams::poll_weight, 3>,
                       .help = "poll-policy weighted: a new event's share in the running mean is 1/2^N; "
                               "0 = default (3)"}),
    internal::setting("thread-pool-min", &LoopParams::thread_pool_min,
                      {.kind = SettingKind::thread_pool,
                       .in_query_iothreads = true,
                       .help = "number of worker threads kept when idle; none is started in advance"}),
    internal::setting("thread-pool-max", &LoopParams::thread_pool_max,
                      {.kind = SettingKind::thread_pool,
                       .in_query_iothreads = true,
                       .help = "maximum number of worker threads, 1 to 2147483647"}),
    internal::setting("poll-policy", &LoopParams::poll_policy,
                      {.kind = SettingKind::poll_policy,
                       .help = "what sizes the polling window: arrival, classic (as in QEMU) or weighted"}),
    internal::setting(
        "poll-budget", &LoopParams::poll_budget,
        {.kind = SettingKind::poll_policy,
         .high = 100,
         .help = "maximum percentage of each second spent in busy polls that find nothing; 100 = no limit"}));

// Calls function with each row of the table, or with each row of one kind.
template <class Function>
constexpr void for_each_setting(Function function) {
  internal::apply_list([&](const auto&... settings) { (function(settings), ...); }, kLoopSettings);
}
template <class Function>
constexpr void for_each_setting(SettingKind kind, Function function) {
  for_each_setting([&](const auto& setting) {
    if (setting.kind == kind) function(setting);
  });
}

// For embed(): the settings as members of a described struct, for query-iothreads (configured) and for
// `effective`.
Result<void> visit_configured(Visitor& visitor, LoopParams& params);
void describe_configured(TypeDescription& type);
Result<void> visit_effective(Visitor& visitor, LoopParams& params);
void describe_effective(TypeDescription& type);

}  // namespace qomio

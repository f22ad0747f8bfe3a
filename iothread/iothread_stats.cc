// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_stats.h"

#include "qomio/object/tree.h"

namespace qomio {
namespace {

std::vector<IOThreadLag> lags_of(const LagCounts& counts) {
  std::vector<IOThreadLag> lags{{.over_ns = 0, .rounds = counts[0]}};
  for (std::size_t i = 0; i < kLagBoundsNs.size(); ++i) {
    lags.push_back({.over_ns = kLagBoundsNs[i], .rounds = counts[i + 1]});
  }
  return lags;
}

IOThreadStats stats_of(IOThread& iothread) {
  // The loop first and the uptime last, so that what is part of it is never more.
  const AioStats loop = iothread.context().stats();
  const IOThread::Usage usage = iothread.usage();
  const PollParams& poll = loop.effective;
  return {.id = iothread.id(),
          .thread_id = iothread.thread_id(),
          .uptime_ns = iothread.uptime_ns(),
          .iterations = loop.iterations,
          .polls = loop.polls,
          .poll_hits = loop.poll_hits,
          .poll_misses = loop.poll_misses,
          .poll_ns = loop.poll_ns,
          .poll_miss_ns = loop.poll_miss_ns,
          .blocked_ns = loop.blocked_ns,
          .busy_ns = loop.busy_ns,
          .wakeups = loop.wakeups,
          .wakeups_elided = loop.wakeups_elided,
          .wakeup_cost_ns = loop.wakeup_cost_ns,
          .bh_runs = loop.bh_runs,
          .fd_events = loop.fd_events,
          .timers_fired = loop.timers_fired,
          .poll_window_ns = loop.poll_window_ns,
          .max_lag_ns = loop.max_lag_ns,
          .lags = lags_of(loop.lags),
          .cpu_ns = usage.cpu_ns,
          .voluntary_switches = usage.voluntary_switches,
          .involuntary_switches = usage.involuntary_switches,
          .fd_monitor = loop.fd_monitor,
          .handlers = loop.handlers,
          .polled_handlers = loop.polled_handlers,
          .pool_threads = loop.pool_threads,
          .pool_pending = loop.pool_pending,
          .effective = {.poll_max_ns = poll.max_ns,
                        .poll_grow = poll.grow,
                        .poll_shrink = poll.shrink,
                        .poll_weight = poll.weight,
                        .poll_policy = poll.policy,
                        .aio_max_batch = loop.effective_aio_max_batch}};
}

}  // namespace

Result<std::vector<IOThreadStats>> query_iothread_stats(const QueryIOThreadStatsArguments& arguments) {
  std::vector<IOThread*> wanted;
  if (arguments.id) {
    IOThread* const iothread = iothread_by_id(*arguments.id);
    if (!iothread) return error("object '{}' not found", *arguments.id);
    wanted.push_back(iothread);
  } else {
    object_child_foreach(objects_root(), [&](Object& object) {
      if (auto* iothread = object_cast<IOThread>(&object)) wanted.push_back(iothread);
      return 0;
    });
  }
  std::vector<IOThreadStats> rows;
  rows.reserve(wanted.size());
  for (IOThread* const iothread : wanted) rows.push_back(stats_of(*iothread));
  return rows;
}

}  // namespace qomio

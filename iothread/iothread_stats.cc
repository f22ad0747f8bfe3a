// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>

#include "qomio/iothread/main_loop.h"
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

// Of the loop alone. To be read before the uptime, so that what is part of it is never more.
IOThreadStats stats_of(const AioContext& context) {
  const AioStats loop = context.stats();
  const PollParams& poll = loop.effective;
  IOThreadStats row;
  row.iterations = loop.iterations;
  row.polls = loop.polls;
  row.poll_hits = loop.poll_hits;
  row.poll_misses = loop.poll_misses;
  row.poll_ns = loop.poll_ns;
  row.poll_miss_ns = loop.poll_miss_ns;
  row.blocked_ns = loop.blocked_ns;
  row.busy_ns = loop.busy_ns;
  row.wakeups = loop.wakeups;
  row.wakeups_elided = loop.wakeups_elided;
  row.wakeup_cost_ns = loop.wakeup_cost_ns;
  row.bh_runs = loop.bh_runs;
  row.fd_events = loop.fd_events;
  row.timers_fired = loop.timers_fired;
  row.poll_window_ns = loop.poll_window_ns;
  row.max_lag_ns = loop.max_lag_ns;
  row.lags = lags_of(loop.lags);
  row.fd_monitor = loop.fd_monitor;
  row.handlers = loop.handlers;
  row.polled_handlers = loop.polled_handlers;
  row.pool_threads = loop.pool_threads;
  row.pool_pending = loop.pool_pending;
  row.effective = {.poll_max_ns = poll.max_ns,
                   .poll_grow = poll.grow,
                   .poll_shrink = poll.shrink,
                   .poll_weight = poll.weight,
                   .poll_policy = poll.policy,
                   .aio_max_batch = loop.effective_aio_max_batch};
  return row;
}

IOThreadStats stats_of(IOThread& iothread) {
  IOThreadStats row = stats_of(iothread.context());
  row.id = iothread.id();
  row.thread_id = iothread.thread_id();
  const IOThread::Usage usage = iothread.usage();
  row.cpu_ns = usage.cpu_ns;
  row.voluntary_switches = usage.voluntary_switches;
  row.involuntary_switches = usage.involuntary_switches;
  row.uptime_ns = iothread.uptime_ns();
  return row;
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

Result<IOThreadStats> query_main_loop_stats() {
  MainLoop* const loop = MainLoop::current();
  if (!loop) return error("there is no main loop");
  IOThreadStats row = stats_of(loop->context());
  row.id = "main-loop";
  row.thread_id = gettid();
  timespec cpu{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0) {
    row.cpu_ns = static_cast<std::uint64_t>(to_ns(cpu));
  }
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) {
    row.voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw);
    row.involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
  }
  row.uptime_ns = loop->uptime_ns();
  return row;
}

}  // namespace qomio

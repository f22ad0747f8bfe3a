// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qomio/iothread/internal/poll_controller.h"
#include "qomio/qapi/error.h"

namespace qomio::bench {

// A model of the machine; times in ns.
struct ReplayCosts {
  std::int64_t wakeup_ns = 21'000;    // from an event's arrival to the end of the sleep
  std::int64_t sleep_cpu_ns = 9'000;  // CPU time of one sleep and wake-up
  std::int64_t work_ns = 150;         // handling one event
};

// The result of a replay.
struct Replayed {
  std::int64_t p50_ns = 0;  // time from arrival to handling
  std::int64_t p99_ns = 0;
  double cpu_ns_per_event = 0;
  double polled_share = 0;                   // share of the events that polling finds
  std::int64_t worst_second_in_vain_ns = 0;  // maximum time in polls that found nothing, within any second
};

// Replays events that arrive at these times (ns, ascending) to the polling controller, in virtual time. As in
// an iteration of AioContext, it polls for the window and sleeps if nothing has arrived by then.
Replayed replay(const std::vector<std::int64_t>& arrivals_ns, const LoopParams& params,
                const ReplayCosts& costs = {});

// Reads a trace. Each line is the ns since the previous event, or "COUNT x NS" for COUNT such events; '#'
// begins a comment. Errors: the file can't be read; `trace.txt:7: '20us' is not a gap`.
Result<std::vector<std::int64_t>> read_trace(const std::string& path);

}  // namespace qomio::bench

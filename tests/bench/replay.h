// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qomio/iothread/internal/poll_controller.h"
#include "qomio/qapi/error.h"

namespace qomio::bench {

// What the machine is like, ns.
struct ReplayCosts {
  std::int64_t wakeup_ns = 21'000;    // from an event's arrival to the end of the sleep
  std::int64_t sleep_cpu_ns = 9'000;  // processor time of one sleep and wake-up
  std::int64_t work_ns = 150;         // handling one event
};

// What a loop would have done.
struct Replayed {
  std::int64_t p50_ns = 0;  // from arrival to handling
  std::int64_t p99_ns = 0;
  double cpu_ns_per_event = 0;
  double polled_share = 0;  // of the events, found by polling
};

// Runs the controller over events that arrive at these times (ns, ascending), in virtual time, as an
// iteration of AioContext does: it polls for the window, else sleeps.
Replayed replay(const std::vector<std::int64_t>& arrivals_ns, const LoopParams& params,
                const ReplayCosts& costs = {});

// Reads a trace: on each line the ns since the event before; '#' begins a comment; "N x NS" repeats. Errors:
// the file can't be read; `trace.txt:7: '20us' is not a gap`.
Result<std::vector<std::int64_t>> read_trace(const std::string& path);

}  // namespace qomio::bench

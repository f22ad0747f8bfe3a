// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "qomio/iothread/iothread_stats.h"
#include "qomio/qapi/error.h"

namespace qomio {

// The statistics in the text format that Prometheus reads: a family of samples for each number, with the id
// of the I/O thread as label; times in seconds, as is the custom there.
std::string iothread_metrics_text(const std::vector<IOThreadStats>& rows);
// Likewise for the main loop, under names of its own and without an id.
std::string main_loop_metrics_text(const IOThreadStats& main_loop);

// The command query-iothread-metrics: that text for all I/O threads that users made, and for the main loop if
// there is one. Thread: the main thread. Errors: as query_iothread_stats().
Result<std::string> query_iothread_metrics();

}  // namespace qomio

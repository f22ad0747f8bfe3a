// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/iothread/loop_stats.h"
#include "qomio/object/object.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"

// The types and commands of this folder. Thread: the main thread, except functions marked "Thread-safe".
namespace qomio {

class CommandRegistry;
class MainLoop;

// Registers the types event-loop-base, iothread and main-loop. Thread-safe; calling it again does nothing.
void register_iothread_types();

// Adds query-iothreads, query-iothread-stats, query-iothread-metrics and iothread-report-stalls, and the
// events IOTHREAD_STALL and MAIN_LOOP_STALL. A second call is harmless.
void add_iothread_commands(CommandRegistry& commands);
// Also adds query-main-loop-stats, quit and the event SHUTDOWN, which is sent when the main loop is shut
// down. The main loop must outlive the registry and must not be moved while the registry exists.
void add_iothread_commands(CommandRegistry& commands, MainLoop& main_loop);

// A row of query-iothreads; the settings are as configured.
struct IOThreadInfo {
  std::string id;
  std::int64_t thread_id = 0;
  LoopParams params = {};
  std::vector<Holder> holders = {};
  static constexpr std::string_view type_name = "IOThreadInfo";
  static constexpr auto members = member_list(
      member("id", &IOThreadInfo::id, "name below /objects"),
      member("thread-id", &IOThreadInfo::thread_id, "kernel thread ID"),
      embed(&IOThreadInfo::params, visit_configured, describe_configured),
      member("holders", &IOThreadInfo::holders, "its users; it can not be deleted while it has any"));
};

// The I/O threads that users created, oldest first.
Result<std::vector<IOThreadInfo>> query_iothreads();

// A row of query-iothread-stats: the statistics of an I/O thread or of the main loop since it started.
struct IOThreadStats {
  std::string id;
  std::int64_t thread_id = 0;
  std::uint64_t uptime_ns = 0;
  LoopStats loop = {};
  std::uint64_t cpu_ns = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  static constexpr std::string_view type_name = "IOThreadStats";
  static constexpr auto members =
      member_list(member("id", &IOThreadStats::id, "name below /objects; main-loop for the main loop"),
                  member("thread-id", &IOThreadStats::thread_id, "kernel thread ID"),
                  member("uptime-ns", &IOThreadStats::uptime_ns, "nanoseconds since the loop was started"),
                  embed(&IOThreadStats::loop, visit_done, describe_done),
                  member("cpu-ns", &IOThreadStats::cpu_ns, "nanoseconds of CPU time of the thread"),
                  member("voluntary-switches", &IOThreadStats::voluntary_switches,
                         "times that the thread gave up its CPU to wait"),
                  member("involuntary-switches", &IOThreadStats::involuntary_switches,
                         "times that the thread lost its CPU to another"),
                  embed(&IOThreadStats::loop, visit_present, describe_present));
};

struct QueryIOThreadStatsArguments {
  std::optional<std::string> id = {};  // only this I/O thread; empty: all
  static constexpr std::string_view type_name = "QueryIOThreadStatsArguments";
  static constexpr auto members =
      member_list(member("id", &QueryIOThreadStatsArguments::id, "only this I/O thread"));
};

// The statistics of the I/O threads that users created, oldest first. Neither stops nor slows the threads.
// Errors: `object 'x' not found` if no I/O thread has the requested id.
Result<std::vector<IOThreadStats>> query_iothread_stats(const QueryIOThreadStatsArguments& arguments);

// The same for the main loop. Its times include everything that its GMainContext calls. Errors: `there is no
// main loop`.
Result<IOThreadStats> query_main_loop_stats();

// Formats statistics as text for Prometheus: one metric family per number, with the id of the I/O thread as a
// label. Times are in seconds, as is customary there.
std::string iothread_metrics_text(const std::vector<IOThreadStats>& rows);
// The same for the main loop, with metric names of its own and without an id.
std::string main_loop_metrics_text(const IOThreadStats& main_loop);
// Both texts: for all I/O threads that users created, and for the main loop if there is one. Errors: as
// query_iothread_stats().
Result<std::string> query_iothread_metrics();

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/iothread_commands.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <memory>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/main_loop.h"
#include "qomio/iothread/stall_watch.h"
#include "qomio/object/tree.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/internal/invariant.h"

namespace qomio {

namespace {

// Reads the statistics before the uptime, so that no time in them exceeds it.
IOThreadStats stats_of(IOThread& iothread) {
  IOThreadStats row;
  row.loop = iothread.context().stats();
  row.id = iothread.id();
  row.thread_id = iothread.thread_id();
  const IOThread::Usage usage = iothread.usage();
  row.cpu_ns = usage.cpu_ns;
  row.voluntary_switches = usage.voluntary_switches;
  row.involuntary_switches = usage.involuntary_switches;
  row.uptime_ns = iothread.uptime_ns();
  return row;
}

// Oldest first.
std::vector<IOThread*> iothreads_of_users() {
  std::vector<IOThread*> found;
  object_child_foreach(objects_root(), [&](Object& object) {
    if (auto* iothread = object_cast<IOThread>(&object)) found.push_back(iothread);
    return 0;
  });
  return found;
}

}  // namespace

void register_iothread_types() {
  [[maybe_unused]] static const bool kRegistered = [] {
    for (const TypeInfo* info :
         {&EventLoopBase::type_info, &IOThread::type_info, &MainLoop::settings_type_info}) {
      const auto registered = register_type(*info);
      invariant(registered.has_value(), "a type of an event loop could not be registered");
    }
    return true;
  }();
}

void add_iothread_commands(CommandRegistry& commands) {
  commands.add(
      command("query-iothreads", "returns the I/O threads that users created", query_iothreads).query());
  commands.add(command("query-iothread-stats", "returns statistics of the I/O threads that users created",
                       query_iothread_stats)
                   .query());
  commands.add(
      command("query-iothread-metrics",
              "returns the results of query-iothread-stats and query-main-loop-stats as text for Prometheus",
              query_iothread_metrics)
          .query());
  commands.add(event<IOThreadStall>("IOTHREAD_STALL", "a call has blocked an I/O thread for too long"));
  commands.add(event<MainLoopStall>("MAIN_LOOP_STALL", "something has blocked the main loop for too long"));
  // To add it again would destroy the present reporter, which ends its reports.
  constexpr std::string_view kReportStalls = "iothread-report-stalls";
  if (commands.find_command(kReportStalls)) return;
  commands.add(command(
      kReportStalls,
      "sets how long a call may block an I/O thread or the main loop before IOTHREAD_STALL or "
      "MAIN_LOOP_STALL reports it",
      [reporter = std::make_shared<StallReporter>(commands)](const IOThreadReportStallsArguments& arguments) {
        return reporter->report(arguments);
      }));
}

void add_iothread_commands(CommandRegistry& commands, MainLoop& main_loop) {
  add_iothread_commands(commands);
  commands.add(
      command("query-main-loop-stats", "returns statistics of the main loop", query_main_loop_stats).query());
  // Both own the sender, since a program may replace either of them.
  static constexpr std::string_view kShutdown = "SHUTDOWN";
  const auto sender = main_loop.on_shut_down([&commands](ShutdownCause cause) {
    if (!commands.events().contains(kShutdown)) return;
    commands.emit(kShutdown, Shutdown{.guest = false, .reason = cause});
  });
  commands.add(command("quit", "shuts the program down", [&main_loop, sender]() -> Result<void> {
                 main_loop.shut_down(ShutdownCause::host_qmp_quit);
                 return {};
               }).last());
  Event shutdown = event<Shutdown>(kShutdown, "the program is about to exit");
  shutdown.source = sender;
  commands.add(std::move(shutdown));
}

Result<std::vector<IOThreadInfo>> query_iothreads() {
  std::vector<IOThreadInfo> infos;
  for (const IOThread* const iothread : iothreads_of_users()) {
    infos.push_back({.id = iothread->id(),
                     .thread_id = iothread->thread_id(),
                     .params = iothread->params(),
                     .holders = iothread->holders()});
  }
  return infos;
}

Result<std::vector<IOThreadStats>> query_iothread_stats(const QueryIOThreadStatsArguments& arguments) {
  std::vector<IOThread*> wanted;
  if (arguments.id) {
    IOThread* const iothread = iothread_by_id(*arguments.id);
    if (!iothread) return error("object '{}' not found", *arguments.id);
    wanted.push_back(iothread);
  } else {
    wanted = iothreads_of_users();
  }
  std::vector<IOThreadStats> rows;
  rows.reserve(wanted.size());
  for (IOThread* const iothread : wanted) rows.push_back(stats_of(*iothread));
  return rows;
}

Result<IOThreadStats> query_main_loop_stats() {
  MainLoop* const loop = MainLoop::current();
  if (!loop) return error("there is no main loop");
  IOThreadStats row;
  row.loop = loop->context().stats();
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

Result<std::string> query_iothread_metrics() {
  auto rows = query_iothread_stats({});
  if (!rows) return failure(rows);
  std::string text = iothread_metrics_text(*rows);
  if (const auto main_loop = query_main_loop_stats()) text += main_loop_metrics_text(*main_loop);
  return text;
}

}  // namespace qomio

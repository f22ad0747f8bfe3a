// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qomio/iothread/loop_stats.h"
#include "qomio/qapi/error.h"
#include "qomio/qapi/member.h"

namespace qomio {

class CommandRegistry;

// Detects that a loop stays inside one call. Another thread calls check() regularly, so the loop reads no
// clock for it, and a loop that hangs for ever is detected too. StallReporter does this for the I/O threads
// that users created. For any other loop, do it in a thread of your choice:
//
//     StalledCall stalled;
//     ...
//     if (const auto found = stalled.check(loop->running_call(), clock_now_ns(), 50'000'000))
//       warn(loop->name() + (found->ended ? " was in " : " is in ") + found->call.describe());
class StalledCall {
 public:
  struct Stall {
    RunningCall call;
    std::int64_t ns = 0;  // at least
    bool ended = false;
  };

  // Returns each stall twice: when the loop has been in the same call for threshold_ns or more, and when it
  // has left that call. Call this at least twice per threshold. If two calls are further apart than both the
  // threshold and 5 ms, the whole process may have been stopped; that time counts as half of the threshold.
  std::optional<Stall> check(const RunningCall& call, std::int64_t now_ns, std::int64_t threshold_ns);

 private:
  RunningCall call_;
  std::int64_t checked_ns_ = 0;
  std::int64_t stalled_ns_ = 0;
  bool reported_ = false;
};

// The data of the event IOTHREAD_STALL: an I/O thread has been inside one call for too long.
struct IOThreadStall {
  std::string id;
  std::int64_t thread_id = 0;
  std::uint64_t stalled_ns = 0;  // at least
  std::string call;              // "bottom half 'flush'", "fd 7"
  bool ended = false;
  static constexpr std::string_view type_name = "IOThreadStall";
  static constexpr auto members = member_list(
      member("id", &IOThreadStall::id, "name of the I/O thread"),
      member("thread-id", &IOThreadStall::thread_id, "kernel thread ID"),
      member("stalled-ns", &IOThreadStall::stalled_ns, "minimum nanoseconds that it has been in the call"),
      member("call", &IOThreadStall::call, "the call: a bottom half, a one-shot, a timer or a descriptor"),
      member("ended", &IOThreadStall::ended, "false when the stall is found, true when it has ended"));
};

// The data of the event MAIN_LOOP_STALL: the main loop has not iterated for too long.
struct MainLoopStall {
  std::uint64_t stalled_ns = 0;
  std::string call;
  static constexpr std::string_view type_name = "MainLoopStall";
  static constexpr auto members = member_list(
      member("stalled-ns", &MainLoopStall::stalled_ns,
             "minimum nanoseconds that it was held up, without the time in which it waited for a "
             "CPU; it has gone on since"),
      member("call", &MainLoopStall::call, "the command, or the call of its loop, in which it was found"));
};

// Detects I/O threads that stay inside one call, among the ones that users created.
// Thread: the main thread. Takes no lock that a loop takes.
class StallWatch {
 public:
  // Returns each stall twice; see StalledCall.
  std::vector<IOThreadStall> check(std::int64_t now_ns, std::int64_t threshold_ns);

 private:
  std::map<std::int64_t, StalledCall> calls_;  // by thread-id
};

struct IOThreadReportStallsArguments {
  std::uint64_t threshold_ns = 0;
  static constexpr std::string_view type_name = "IOThreadReportStallsArguments";
  static constexpr auto members =
      member_list(member("threshold-ns", &IOThreadReportStallsArguments::threshold_ns,
                         "threshold in nanoseconds (minimum 1000000); 0 disables reporting"));
};

// Reports stalls of the I/O threads that users created and of the main loop. Logs a warning when a stall is
// found and when it has ended. Sends IOTHREAD_STALL at both times, but MAIN_LOOP_STALL only once the main
// loop runs again. For five seconds after a warning, the log only counts further stalls.
//
// The main loop checks the I/O threads twice per threshold, and a dedicated thread checks the main loop as
// often. A stall may last twice as long as the threshold, or a few milliseconds, before it is found. Time in
// which the whole process is stopped does not count. While the main loop is stalled, the I/O threads are not
// checked.
//
// The main loop is GLib's default context, which the caller must keep running, by a MainLoop or otherwise.
// Reports end when the loop that was current in report() is closed, or when this object is destroyed.
//
// Thread: the main thread.
class StallReporter {
 public:
  // Emits the events through the registry, to which they must have been added and which must outlive this
  // object.
  explicit StallReporter(CommandRegistry& commands);
  StallReporter(const StallReporter&) = delete;
  StallReporter& operator=(const StallReporter&) = delete;
  ~StallReporter();

  // Starts reporting, or ends it if the threshold is 0; initially off. Errors: the threshold is out of range;
  // no thread is available ("Failed to create thread: ..."). A failure changes nothing.
  Result<void> report(const IOThreadReportStallsArguments& arguments);

 private:
  class Watching;

  CommandRegistry& commands_;
  std::shared_ptr<Watching> watching_;  // null: no reports
};

}  // namespace qomio

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

// Finds that a loop stays inside one call. Another thread asks it regularly, so that the loop reads no clock
// for it, and a loop that hangs for ever is found too. StallReporter does so for the I/O threads that users
// made; for any other loop, in a thread of your choice:
//
//     StalledCall stalled;
//     ...
//     if (const auto found = stalled.look(loop->running_call(), clock_now_ns(), 50'000'000))
//       warn(loop->name() + (found->ended ? " was in " : " is in ") + found->call.describe());
class StalledCall {
 public:
  struct Stall {
    RunningCall call;
    std::int64_t ns = 0;  // at least
    bool ended = false;
  };

  // Returns each stall twice: from the first call that finds the loop in the same call for threshold_ns or
  // more, and from the first that finds it elsewhere. Call it twice within the threshold. Between two calls
  // that are further apart than the threshold, and 5 ms, the whole process may have been stopped: that time
  // counts as half of the threshold.
  std::optional<Stall> look(const RunningCall& call, std::int64_t now_ns, std::int64_t threshold_ns);

 private:
  RunningCall call_;
  std::int64_t looked_ns_ = 0;
  std::int64_t stalled_ns_ = 0;
  bool told_ = false;
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

// The data of the event MAIN_LOOP_STALL: the main loop has not come round for too long.
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

// Finds I/O threads, among those that users made, that stay inside one call.
// Thread: the main thread. It takes no lock that a loop takes.
class StallWatch {
 public:
  // Returns each stall twice; see StalledCall.
  std::vector<IOThreadStall> look(std::int64_t now_ns, std::int64_t threshold_ns);

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

// Reports stalls of the I/O threads that users made and of the main loop: it logs a warning when one is found
// and when it has ended, and sends IOTHREAD_STALL at both times, or MAIN_LOOP_STALL once the main loop has
// gone on. After a warning, further stalls are only counted in the log for five seconds.
//
// The main loop checks the I/O threads twice within the threshold, and a thread made for that checks the main
// loop as often. A stall may last twice as long as the threshold, or some milliseconds, before it is found. A
// stop of the whole process is no stall. While the main loop is stalled, the I/O threads are not checked.
//
// The main loop is GLib's default context, run by the caller: a MainLoop, or without one whatever runs it,
// which must go on running it. Reports end with the loop that is current at the time of report(), and with
// this object.
//
// Thread: the main thread.
class StallReporter {
 public:
  // Sends the events through the registry, which must offer them and must outlive this.
  explicit StallReporter(CommandRegistry& commands);
  StallReporter(const StallReporter&) = delete;
  StallReporter& operator=(const StallReporter&) = delete;
  ~StallReporter();

  // Starts or ends the reports; at first there are none. Errors: the threshold is out of range; no thread is
  // available ("Failed to create thread: ..."). A failure leaves everything as it was.
  Result<void> report(const IOThreadReportStallsArguments& arguments);

 private:
  class Watching;

  CommandRegistry& commands_;
  std::shared_ptr<Watching> watching_;  // null: no reports
};

}  // namespace qomio

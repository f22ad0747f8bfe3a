// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qomio/iothread/iothread.h"
#include "qomio/iothread/running_call.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"

namespace qomio {

// Finds that a loop stays inside one call. It is asked now and then, from outside, so that the loop reads no
// clock for it, and one that hangs for ever is found too. IOTHREAD_STALL tells of the I/O threads that users
// made; for any other loop, in whatever thread can look:
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

  // Each stall is told twice: at the first look that finds the loop in the same call for threshold_ns or
  // more, and at the first that finds it elsewhere. Looks should come twice within the threshold. Between two
  // that lie further apart than the threshold, and 5 ms, the whole process may have been stopped: they count
  // as half of the threshold.
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
  static constexpr auto members = std::tuple(
      member("id", &IOThreadStall::id, "of the I/O thread"),
      member("thread-id", &IOThreadStall::thread_id, "the system's number of the thread"),
      member("stalled-ns", &IOThreadStall::stalled_ns, "nanoseconds that it has been in the call, at least"),
      member("call", &IOThreadStall::call,
             "what it is in: a bottom half, a one-shot, a timer or a descriptor"),
      member("ended", &IOThreadStall::ended, "false when it is found; true, once more, when it has gone on"));
};

// The data of the event MAIN_LOOP_STALL: the main loop has not come round for too long.
struct MainLoopStall {
  std::uint64_t stalled_ns = 0;
  std::string call;
  static constexpr std::string_view type_name = "MainLoopStall";
  static constexpr auto members =
      std::tuple(member("stalled-ns", &MainLoopStall::stalled_ns,
                        "nanoseconds that it was held up, at least, without the time in which it waited for "
                        "a processor; it has gone on since"),
                 member("call", &MainLoopStall::call,
                        "what it was found in: a command or a call of its loop, where it was one of these"));
};

// Finds I/O threads, among those that users made, that stay inside one call.
// Thread: the main thread. It takes no lock that a loop takes.
class StallWatch {
 public:
  // Each stall twice; see StalledCall.
  std::vector<IOThreadStall> look(std::int64_t now_ns, std::int64_t threshold_ns);

 private:
  std::map<std::int64_t, StalledCall> calls_;  // by thread-id
};

struct IOThreadReportStallsArguments {
  std::uint64_t threshold_ns = 0;
  static constexpr std::string_view type_name = "IOThreadReportStallsArguments";
  static constexpr auto members =
      std::tuple(member("threshold-ns", &IOThreadReportStallsArguments::threshold_ns,
                        "in nanoseconds: report what lasts longer, from 1000000 on; 0: nothing"));
};

// From now on logs a warning when an I/O thread or the main loop is found stalled and when it has gone on,
// and sends IOTHREAD_STALL at both times, or MAIN_LOOP_STALL once the main loop has gone on. After a warning,
// stalls are only counted in the log for five seconds. The main loop looks at the I/O threads twice within
// the threshold, and a thread made for that looks as often whether the main loop still comes round. A stall
// may last twice as long, or some milliseconds, before it is found. A stop of the whole process is no stall.
// With a threshold of 0, as at first, there are no looks; while the main loop is stalled, there are none at
// the I/O threads.
//
// The main loop is GLib's default context, run by the caller: a MainLoop, or without one whatever runs it,
// which then must go on running it. Ends with the MainLoop; without one, the
// caller's current loop is kept until the threshold is 0.
// Errors: the threshold is out of range; no thread is to be had ("Failed to create thread: ...").
Result<void> iothread_report_stalls(const IOThreadReportStallsArguments& arguments);

// Adds the events and the command. Part of register_iothread_types().
void register_stall_watch();

}  // namespace qomio

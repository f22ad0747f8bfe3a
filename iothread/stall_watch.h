// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "qomio/iothread/iothread.h"
#include "qomio/qapi/describe.h"
#include "qomio/qapi/error.h"

namespace qomio {

// The data of the event IOTHREAD_STALL: an I/O thread has been inside one call for too long.
struct IOThreadStall {
  std::string id;
  std::int64_t thread_id = 0;
  std::uint64_t stalled_ns = 0;  // at least
  std::string call;              // "bottom half 'flush'", "fd 7"
  static constexpr std::string_view type_name = "IOThreadStall";
  static constexpr auto members =
      std::tuple(member("id", &IOThreadStall::id, "of the I/O thread"),
                 member("thread-id", &IOThreadStall::thread_id, "the system's number of the thread"),
                 member("stalled-ns", &IOThreadStall::stalled_ns, "at least as long"),
                 member("call", &IOThreadStall::call, "what it is in"));
};

// Finds I/O threads, among those that users made, that stay inside one call. It looks from outside, so that
// the loops read no clock for it, and one that hangs for ever is found too.
// Thread: the main thread. It takes no lock that a loop takes.
class StallWatch {
 public:
  // Each stall once, at the first look that finds the same call at least threshold_ns after an earlier look.
  std::vector<IOThreadStall> look(std::int64_t now_ns, std::int64_t threshold_ns);

 private:
  struct Seen {
    std::uint64_t call = 0;  // RunningCall::number
    std::int64_t since_ns = 0;
    bool reported = false;
  };
  std::map<std::int64_t, Seen> seen_;  // by thread-id
};

struct IOThreadReportStallsArguments {
  std::uint64_t threshold_ns = 0;
  static constexpr std::string_view type_name = "IOThreadReportStallsArguments";
  static constexpr auto members =
      std::tuple(member("threshold-ns", &IOThreadReportStallsArguments::threshold_ns,
                        "report calls that last longer, from 1000000 on; 0: none"));
};

// From now on sends IOTHREAD_STALL, and logs a warning, while an I/O thread is stalled; it looks twice within
// the threshold, and not at all when that is 0, as at first. Errors: the threshold is out of range.
Result<void> iothread_report_stalls(const IOThreadReportStallsArguments& arguments);

// Adds the event and the command. Part of register_iothread_types().
void register_stall_watch();

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace qomio::internal {

// Composes the log lines about stalls: one when a stall is found and one, with its total time, when it has
// ended. With a low threshold there may be hundreds per second, so for kPauseNs after a line, further stalls
// are only counted.
//
// Thread-safe. Times are nanoseconds of any clock that never runs backwards.
class StallLog {
 public:
  static constexpr std::int64_t kPauseNs = 5'000'000'000;

  struct Stall {
    std::string who;   // "I/O thread 'io0'"
    std::string what;  // "in one call"
    std::int64_t ns = 0;
    std::string call;  // "bottom half 'flush'"
  };

  // The line to log, if any.
  std::optional<std::string> began(std::int64_t now_ns, const Stall& stall);
  std::optional<std::string> ended(const Stall& stall);
  // The line with the number of stalls that were only counted, once the pause is over; call it regularly.
  std::optional<std::string> counted(std::int64_t now_ns);

 private:
  std::mutex mutex_;              // guards the rest
  std::set<std::string> logged_;  // who is in a stall that was logged and has not ended
  std::int64_t pause_end_ns_ = 0;
  std::uint64_t counted_ = 0;
  std::int64_t longest_counted_ns_ = 0;
};

}  // namespace qomio::internal

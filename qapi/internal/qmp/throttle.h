// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/visitor.h"

namespace qomio {

// Keeps events that come often from flooding those who listen: the first goes at once; of those that come
// within the period only the newest goes, at the end of the period, which then starts again. It is told the
// time and asked what is due; the times are any clock that does not go backwards, in microseconds.
class EventThrottle {
 public:
  explicit EventThrottle(std::int64_t period_us = 1'000'000) : period_us_(period_us) {}

  // From now on the event is limited; with a key, by itself for each value of that member of its data.
  void limit(std::string name, std::string key);

  // The line if it may go at once; otherwise it is kept in place of what was kept.
  std::optional<std::string> pass(std::string_view name, const Json& data, std::string line,
                                  std::int64_t now_us);

  struct Due {
    std::string name, line;
  };
  // What has waited long enough, in the order of names and keys.
  std::vector<Due> take_due(std::int64_t now_us);

  // When take_due() is to be called next; -1 for never.
  std::int64_t next_due_us() const;

 private:
  struct Period {
    std::int64_t ends_us;
    std::optional<std::string> kept;
  };

  const std::int64_t period_us_;
  std::map<std::string, std::string, std::less<>> keys_;  // of the limited events
  std::map<std::string, Period> running_;                 // by event and value of the key
};

}  // namespace qomio

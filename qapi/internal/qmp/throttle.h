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

// Limits how often events are sent. The first is sent at once; of the events in the period that follows, only
// the newest is sent, at the end of the period, which then starts again. The caller passes the time, in
// microseconds of any clock that does not go backwards, and asks which events are due.
class EventThrottle {
 public:
  explicit EventThrottle(std::int64_t period_us = 1'000'000) : period_us_(period_us) {}

  // Limits the event from now on; with a key, separately for each value of that member of its data.
  void limit(std::string name, std::string key);

  // Returns the line if it may be sent at once. Otherwise keeps it, in place of the line kept before.
  std::optional<std::string> pass(std::string_view name, const Json& data, std::string line,
                                  std::int64_t now_us);

  struct Due {
    std::string name, line;
  };
  // Returns the kept lines that are due, in the order of names and keys.
  std::vector<Due> take_due(std::int64_t now_us);

  // When to call take_due() next; -1: never.
  std::int64_t next_due_us() const;

 private:
  struct Period {
    std::int64_t ends_us;
    std::optional<std::string> kept;
  };

  const std::int64_t period_us_;
  std::map<std::string, std::string, std::less<>> keys_;  // the keys of the limited events, by name
  std::map<std::string, Period> running_;                 // by event and value of the key
};

}  // namespace qomio

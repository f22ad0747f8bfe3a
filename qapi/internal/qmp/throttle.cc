// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/throttle.h"

#include <algorithm>
#include <utility>

#include "qomio/qapi/json.h"

namespace qomio {

void EventThrottle::limit(std::string name, std::string key) {
  keys_.insert_or_assign(std::move(name), std::move(key));
}

std::optional<std::string> EventThrottle::pass(std::string_view name, const Json& data, std::string line,
                                               std::int64_t now_us) {
  const auto limited = keys_.find(name);
  if (limited == keys_.end()) return line;
  std::string which(name);
  if (const auto value = data.find(limited->second); value != data.end()) {
    which += ' ';
    json_append(which, *value);
  }
  const auto [it, is_new] = running_.try_emplace(std::move(which), now_us + period_us_, std::nullopt);
  if (!is_new) {
    // Replaces a kept line even if the period is over: that line is still unsent, and this one is newer.
    if (it->second.kept || now_us < it->second.ends_us) {
      it->second.kept = std::move(line);
      return std::nullopt;
    }
    it->second.ends_us = now_us + period_us_;
  }
  return line;
}

std::vector<EventThrottle::Due> EventThrottle::take_due(std::int64_t now_us) {
  std::vector<Due> due;
  for (auto it = running_.begin(); it != running_.end();) {
    Period& period = it->second;
    if (period.ends_us > now_us) {
      ++it;
    } else if (period.kept) {
      due.push_back({it->first.substr(0, it->first.find(' ')), *std::exchange(period.kept, std::nullopt)});
      period.ends_us = now_us + period_us_;
      ++it;
    } else {
      it = running_.erase(it);
    }
  }
  return due;
}

std::int64_t EventThrottle::next_due_us() const {
  const auto first =
      std::ranges::min_element(running_, {}, [](const auto& entry) { return entry.second.ends_us; });
  return first == running_.end() ? -1 : first->second.ends_us;
}

}  // namespace qomio

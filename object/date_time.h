// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <ctime>
#include <string_view>
#include <tuple>

#include "qomio/qapi/describe.h"

namespace qomio {

// A time of day for people, as C's broken-down time counts it: years from 1900, months from 0. As a property
// its type is `struct tm`:
//
//     klass.add(property("rtc-time", &Clock::rtc_time));   // DateTime rtc_time() const
struct DateTime {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 1;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;

  static DateTime from(const std::tm& tm) {
    return {tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
  }
  bool operator==(const DateTime&) const = default;

  static constexpr std::string_view type_name = "struct tm";
  static constexpr auto members =
      std::tuple(member("tm_year", &DateTime::year), member("tm_mon", &DateTime::month),
                 member("tm_mday", &DateTime::day), member("tm_hour", &DateTime::hour),
                 member("tm_min", &DateTime::minute), member("tm_sec", &DateTime::second));
};

}  // namespace qomio

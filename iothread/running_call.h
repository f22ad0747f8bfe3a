// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace qomio {

// What a loop is calling. A value.
struct RunningCall {
  enum class Kind : std::uint32_t { none, bottom_half, one_shot, timer, descriptor };

  Kind kind = Kind::none;
  // bottom_half: its name, which lives as long as the loop. one_shot, timer: the callable's mangled type,
  // which is never freed. descriptor: null.
  const char* name = nullptr;
  int fd = -1;
  std::uint64_t number = 0;  // counts the calls: equal numbers mean the same call

  // For people: "bottom half 'flush'", "fd 7", "timer of Server::start()::{lambda()#1}".
  std::string describe() const;
};

}  // namespace qomio

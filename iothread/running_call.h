// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace qomio {

// What a loop is calling. A value.
struct RunningCall {
  enum class Kind : std::uint32_t { none, bottom_half, one_shot, timer, descriptor };

  Kind kind = Kind::none;
  // bottom_half: its name, which lives as long as the loop. one_shot, timer: the callable's type, as the
  // compiler writes it, for ever. descriptor: null.
  const char* name = nullptr;
  int fd = -1;
  std::uint64_t number = 0;  // counts the calls: with the same number it is the same call

  // For people: "bottom half 'flush'", "fd 7", "timer of Server::start()::{lambda()#1}".
  std::string describe() const;
};

namespace detail {

// Where a loop writes down what it calls, for other threads to read: four plain stores a call, no clock.
class RunningCallMark {
 public:
  // Home thread.
  void enter(RunningCall::Kind kind, const char* name, int fd = -1) {
    const std::uint64_t number = number_.load(std::memory_order_relaxed);
    number_.store(number + 1, std::memory_order_relaxed);
    what_.store(std::uint64_t{static_cast<std::uint32_t>(kind)} << 32 | static_cast<std::uint32_t>(fd),
                std::memory_order_release);
    name_.store(name, std::memory_order_release);
    number_.store(number + 2, std::memory_order_release);
  }
  // Home thread: back in the call outside, or in none.
  void leave(const RunningCall& outside) { enter(outside.kind, outside.name, outside.fd); }

  // Thread-safe. Of kind none also if the loop goes on meanwhile.
  RunningCall get() const;

 private:
  std::atomic<std::uint64_t> what_ = 0;  // kind, fd
  std::atomic<const char*> name_ = nullptr;
  std::atomic<std::uint64_t> number_ = 0;  // odd: the rest is being written
};

}  // namespace detail

}  // namespace qomio

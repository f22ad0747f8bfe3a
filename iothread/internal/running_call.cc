// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/loop_stats.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace qomio {

namespace {

std::string readable_type(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                        std::free);
  return status == 0 ? readable.get() : name;
}

}  // namespace

std::string RunningCall::describe() const {
  switch (kind) {
    case Kind::bottom_half:
      return std::string("bottom half '") + name + "'";
    case Kind::one_shot:
      return "one-shot of " + readable_type(name);
    case Kind::timer:
      return "timer of " + readable_type(name);
    case Kind::descriptor:
      return "fd " + std::to_string(fd);
    case Kind::none:
      break;
  }
  return "nothing";
}

}  // namespace qomio

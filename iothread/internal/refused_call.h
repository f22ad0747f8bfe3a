// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>

namespace qomio::internal {

// A system call that a kernel may not have or a container may not allow, and what is used in its place. The
// log says so once in a process, since nothing else shows that a program is slower than it could be.
class RefusedCall {
 public:
  constexpr RefusedCall(const char* call, const char* instead) : call_(call), instead_(instead) {}

  // Thread-safe. error: the number that the call failed with, such as ENOSYS or EPERM.
  void report(int error);

 private:
  const char* const call_;
  const char* const instead_;
  std::atomic<bool> reported_ = false;
};

}  // namespace qomio::internal

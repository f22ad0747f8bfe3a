// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>

namespace qomio::internal {

// A system call that the kernel may lack or a container may forbid, and its replacement. Logs the first
// refusal, since nothing else shows that the program is slower than it could be.
class RefusedCall {
 public:
  constexpr RefusedCall(const char* call, const char* instead) : call_(call), instead_(instead) {}

  // Thread-safe. error: the errno of the call, such as ENOSYS or EPERM.
  void report(int error);

 private:
  const char* const call_;
  const char* const instead_;
  std::atomic<bool> reported_ = false;
};

}  // namespace qomio::internal

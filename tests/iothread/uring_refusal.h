// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

namespace qomio {

// Which io_uring calls fail in this program; see uring_refusal_test.cc.
struct UringRefusal {
  int init = 0;  // the errno value; 0: does not fail
  unsigned features_lost = 0;
  bool no_probe = false;
  int dontfork = 0;
  int submit = 0;
  int wait = 0;
};
inline UringRefusal uring_refusal;

// The number of entries of each io_uring_submit() call that had any. Recorded for the threads that have set
// the flag.
inline constinit thread_local bool records_uring_submissions = false;
inline std::vector<unsigned> uring_submissions;

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

namespace qomio {

// What this program's io_uring refuses; see uring_refusal_test.cc.
struct UringRefusal {
  int init = 0;  // the number of the error; 0: as it is
  unsigned features_lost = 0;
  bool no_probe = false;
  int dontfork = 0;
  int submit = 0;
  int wait = 0;
};
inline UringRefusal uring_refusal;

// How many entries each call of io_uring_submit() took along, empty ones left out; while this thread has
// asked for it.
inline constinit thread_local bool records_uring_submissions = false;
inline std::vector<unsigned> uring_submissions;

}  // namespace qomio

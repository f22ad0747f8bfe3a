// SPDX-License-Identifier: GPL-2.0-or-later
// A loop in a thread of the program's own, without objects and without QMP. The main thread posts work to it,
// calls a function in it, and ends it.
#include <chrono>
#include <cstdio>
#include <future>
#include <thread>

#include "qomio/iothread/aio_context.h"
#include "qomio/iothread/timer.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;
using namespace std::chrono_literals;

int main() {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  const auto created = AioContext::create("worker");
  if (!created) return std::fprintf(stderr, "%s\n", created.error().message().c_str()), 1;
  AioContext& loop = **created;

  bool stop = false;  // used in the loop's thread only
  std::jthread thread([&loop, &stop] {
    const CurrentAioContext current(loop);  // this is the loop's home thread now
    while (!stop) loop.poll(true);
    loop.close();  // destroys its remaining timers and posted calls
  });

  int sum = 0;  // the same
  for (int i = 1; i <= 100; ++i) loop.schedule_oneshot([&sum, i] { sum += i; });
  loop.run_in([&sum] { std::printf("sum %d\n", sum); });  // after the calls above

  std::promise<void> rung;
  Timer timer = loop.timer([&rung] { rung.set_value(); });
  timer.arm_after(10ms);
  rung.get_future().wait();
  std::puts("rung");

  loop.schedule_oneshot([&stop] { stop = true; });
  thread.join();
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;
}

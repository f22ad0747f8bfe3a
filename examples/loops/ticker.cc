// SPDX-License-Identifier: GPL-2.0-or-later
// Two coroutines in two threads. One works in an I/O thread and computes something in the thread pool; the
// other ticks every ten milliseconds until it is cancelled.
#include <cstdio>

#include "qomio/iothread/coroutine_io.h"
#include "qomio/iothread/iothread.h"
#include "qomio/iothread/iothread_commands.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;

Task<> tick(Cancellation& enough) {
  int ticks = 0;
  while (co_await sleep_for(10ms, &enough)) ++ticks;
  std::printf(ticks > 0 ? "ticked\n" : "never ticked\n");
}

Task<> work(AioContext& io, AioContext& home, Cancellation& enough, bool& done) {
  co_await reschedule_self(io);  // from here on in io's thread
  co_await sleep_for(50ms);
  const Result<long> sum = co_await in_thread_pool([] {
    long total = 0;
    for (long i = 1; i <= 1'000'000; ++i) total += i;
    return total;
  });
  co_await reschedule_self(home);  // back in home's thread
  std::printf("sum %ld\n", sum.value_or(-1));
  enough.cancel();
  co_await reschedule_self(home);  // continues after tick() has ended
  done = true;
}

int main() {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  register_iothread_types();
  const auto io = iothread_create("worker");
  const auto loop = AioContext::create("ticker");
  if (!io || !loop) return 1;
  const CurrentAioContext current(**loop);
  Cancellation enough;
  bool done = false;
  co_schedule(**loop, tick(enough));
  co_schedule(**loop, work((*io)->context(), **loop, enough, done));
  while (!done) (*loop)->poll(true);
  iothread_destroy(**io);
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;
}

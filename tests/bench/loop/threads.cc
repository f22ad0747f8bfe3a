// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/loop/threads.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace qomio::bench {
namespace {

void set_affinity(pid_t thread, int first, int count) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) return;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  for (int cpu = first; cpu < first + count; ++cpu) CPU_SET(cpu, &cpus);
  ::sched_setaffinity(thread, sizeof cpus, &cpus);
}

}  // namespace

void pin_self(int cpu) { set_affinity(0, cpu, 1); }
void unpin_self() { set_affinity(0, 0, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN))); }
void pin(const Loop& loop, int cpu) { set_affinity(loop.thread_id(), cpu, 1); }

LoopCpu::LoopCpu(Loop& loop) {
  run_in(loop, [this] { ::pthread_getcpuclockid(::pthread_self(), &clock_); });
}

std::int64_t LoopCpu::used_ns() const {
  timespec used;
  ::clock_gettime(clock_, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

void pause_processor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait_until(std::int64_t then_ns, bool sleep) {
  if (sleep) {
    const timespec then{.tv_sec = then_ns / 1'000'000'000, .tv_nsec = then_ns % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, nullptr);
  }
  while (now_ns() < then_ns) pause_processor();
}

}  // namespace qomio::bench

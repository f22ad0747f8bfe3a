// SPDX-License-Identifier: GPL-2.0-or-later
// The costs of starting and stopping a loop, and of an idle loop.
#include <fmt/core.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "qomio/tests/bench/loop/bench.h"
#include "qomio/tests/bench/loop/threads.h"

namespace qomio::bench {
namespace {

double start_and_stop_ns(const Contender& contender, int count) {
  const std::int64_t start = now_ns();
  for (int i = 0; i < count; ++i) contender.start().reset();
  return static_cast<double>(now_ns() - start) / count;
}

// Returns how often the loop's thread has gone to sleep.
double sleeps(const Loop& loop) {
  const std::string path = fmt::format("/proc/self/task/{}/status", loop.thread_id());
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (!file) return 0;
  std::array<char, 256> line{};
  double count = 0;
  constexpr const char* kLabel = "voluntary_ctxt_switches:";
  while (std::fgets(line.data(), line.size(), file)) {
    if (std::strncmp(line.data(), kLabel, std::strlen(kLabel)) == 0) {
      count = std::strtod(line.data() + std::strlen(kLabel), nullptr);
    }
  }
  (void)std::fclose(file);
  return count;
}

struct Idler {
  std::string name;
  std::unique_ptr<Loop> loop;
  LoopCpu cpu;
  std::int64_t cpu_ns = 0;
  double sleeps_before = 0;
};

}  // namespace

void bench_life(const Bench& bench) {
  Table life("Create, start, stop and join", {"ns"}, kReference);
  for (int round = 0; round < bench.effort.rounds(); ++round) {
    for (const Contender& contender : bench.contenders) {
      life.add(contender.name, {start_and_stop_ns(contender, bench.effort(50, 2))});
    }
  }
  life.print();
  bench.goals.at_most(
      "create, start, stop and join: to epoll's", life.ratio("qomio"), 1.1,
      "not understood: the fastest rounds are alike, but on a busy machine qomio's are often slow");

  // All loops at the same time, since idle loops do not disturb each other.
  const std::int64_t idle_ns = bench.effort(3000, 100) * std::int64_t{1'000'000};
  Table idle(fmt::format("Idle for {} ms after a burst", idle_ns / 1'000'000), {"CPU, ns", "wake-ups"},
             kReference);
  std::vector<Idler> idlers;
  for (const Contender& contender : bench.contenders) {
    if (contender.burns_while_idle) continue;
    std::unique_ptr<Loop> loop = contender.start();
    const LoopCpu cpu(*loop);
    idlers.push_back({contender.name, std::move(loop), cpu});
  }
  for (const Idler& idler : idlers) {
    for (int i = 0; i < 500; ++i) run_in(*idler.loop, [] {});
  }
  wait_until(now_ns() + 10'000'000, true);
  for (Idler& idler : idlers) {
    idler.cpu_ns = idler.cpu.used_ns();
    idler.sleeps_before = sleeps(*idler.loop);
  }
  wait_until(now_ns() + idle_ns, true);
  for (const Idler& idler : idlers) {
    idle.add(idler.name, {static_cast<double>(idler.cpu.used_ns() - idler.cpu_ns),
                          sleeps(*idler.loop) - idler.sleeps_before});
  }
  idle.print();
  bench.goals.at_most("idle after a burst: wake-ups", idle.median("qomio", 1), 0);
  bench.goals.at_most("idle after a burst: CPU, ns", idle.median("qomio"), 50'000);
}

}  // namespace qomio::bench

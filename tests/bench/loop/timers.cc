// SPDX-License-Identifier: GPL-2.0-or-later
// Timers: how fast they are armed and cancelled while many stand, and how late they are.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <random>

#include "qomio/tests/bench/loop/bench.h"
#include "qomio/tests/bench/loop/threads.h"

namespace qomio::bench {
namespace {

// ns to arm and cancel one, while up to `standing` are armed; in random order, with random times.
double arm_and_cancel_ns(const Contender& contender, int standing, int operations) {
  const std::unique_ptr<Loop> loop = contender.start();
  double result = 0;
  run_in(*loop, [&] {
    std::minstd_rand random(1);
    std::vector<std::unique_ptr<LoopTimer>> timers;
    std::vector<std::int64_t> delays;
    std::uniform_int_distribution<std::int64_t> delay(10'000'000'000, 20'000'000'000);
    for (int i = 0; i < standing; ++i) {
      timers.push_back(loop->timer([](void*) {}, nullptr));
      delays.push_back(delay(random));
    }
    std::ranges::shuffle(timers, random);
    const int repetitions = std::max(1, operations / standing);
    const std::int64_t start = now_ns();
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      for (int i = 0; i < standing; ++i) timers[i]->arm(start, delays[i]);
      for (int i = 0; i < standing; ++i) timers[i]->cancel();
    }
    result = static_cast<double>(now_ns() - start) / repetitions / standing;
  });
  return result;
}

// How late timers of 10 µs are, armed by posts that come 20 µs after the last one was over.
std::vector<double> lateness(const Contender& contender, int count) {
  constexpr std::int64_t kDelayNs = 10'000;
  struct State {
    std::unique_ptr<Loop> loop;
    std::unique_ptr<LoopTimer> timer;
    std::int64_t due_ns = 0, late_ns = 0;
    std::atomic<bool> fired = false;
  } state;
  state.loop = contender.start();
  run_in(*state.loop, [&] {
    state.timer = state.loop->timer(
        [](void* data) {
          auto& at = *static_cast<State*>(data);
          at.late_ns = now_ns() - at.due_ns;
          at.fired.store(true, std::memory_order_release);
        },
        &state);
  });
  pin_self(0);
  pin(*state.loop, 1);
  std::vector<std::int64_t> samples;
  for (int i = 0; i < count; ++i) {
    wait_until(now_ns() + 20'000, false);
    state.fired.store(false, std::memory_order_relaxed);
    state.loop->post(
        [](void* data) {
          auto& at = *static_cast<State*>(data);
          const std::int64_t now = now_ns();
          at.due_ns = now + kDelayNs;
          at.timer->arm(now, kDelayNs);
        },
        &state);
    while (!state.fired.load(std::memory_order_acquire)) pause_processor();
    samples.push_back(state.late_ns);
  }
  run_in(*state.loop, [&] { state.timer = nullptr; });
  unpin_self();
  return {percentile(samples, 0.5), percentile(samples, 0.99)};
}

}  // namespace

void bench_timers(const Bench& bench) {
  for (const int standing : {1000, 10'000, 100'000, 1'000'000}) {
    if (bench.effort.quick && standing > 1000) break;
    Table table(fmt::format("Arm and cancel a timer, {} of them", standing), {"ns"}, kReference);
    const int rounds = standing > 10'000 ? std::min(3, bench.effort.rounds()) : bench.effort.rounds();
    for (int round = 0; round < rounds; ++round) {
      for (const Contender& contender : bench.contenders) {
        if (!contender.has_timers || contender.most_timers < standing) continue;
        table.add(contender.name, {arm_and_cancel_ns(contender, standing, bench.effort(100'000, 1000))});
      }
    }
    table.print();
    bench.goals.at_least(
        fmt::format("timers, {}: armed and cancelled a second, to a plain 4-ary heap", standing),
        1 / table.ratio("qomio"), 1.0,
        "two locks taken, so that any thread may set timers; a handle and a node for each");
    bench.goals.at_least(
        fmt::format("timers, {}: armed and cancelled a second, to the best library", standing),
        table.best_except(kOwnContenders, false) / table.median("qomio"), 1.0,
        "two locks taken, so that any thread may set timers; a handle and a node for each");
  }

  Table late("How late a timer of 10 µs is, between posts 20 µs apart", {"p50, ns", "p99, ns"}, kReference);
  for (int round = 0; round < bench.effort.rounds(); ++round) {
    for (const Contender& contender : bench.contenders) {
      if (contender.has_timers) late.add(contender.name, lateness(contender, bench.effort(1000, 20)));
    }
  }
  late.print();
  bench.goals.at_most("timers while polling: lateness p50, ns", late.median("qomio"), 1000);
}

}  // namespace qomio::bench

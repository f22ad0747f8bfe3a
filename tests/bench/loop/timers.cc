// SPDX-License-Identifier: GPL-2.0-or-later
// Timers: how fast they are armed and cancelled while many are armed, and how late they fire.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <semaphore>
#include <string_view>

#include "qomio/tests/bench/loop/bench.h"
#include "qomio/tests/bench/loop/threads.h"

namespace qomio::bench {
namespace {

// Arms all of its timers and cancels them, repeatedly, in random order and with random delays: within one
// call or, if in_turns is set, in different iterations of the loop, so that the loop has seen the armed
// timers.
class ArmAndCancel {
 public:
  ArmAndCancel(const Contender& contender, int standing, int operations, bool in_turns)
      : loop_(contender.start()), repetitions_(std::max(1, operations / standing)), in_turns_(in_turns) {
    run_in(*loop_, [&] {
      std::minstd_rand random(1);
      std::uniform_int_distribution<std::int64_t> delay(10'000'000'000, 20'000'000'000);
      for (int i = 0; i < standing; ++i) {
        timers_.push_back(loop_->timer([](void*) {}, nullptr));
        delays_.push_back(delay(random));
      }
      std::ranges::shuffle(timers_, random);
    });
  }
  ~ArmAndCancel() {
    run_in(*loop_, [&] { timers_.clear(); });
  }
  ArmAndCancel(const ArmAndCancel&) = delete;
  ArmAndCancel& operator=(const ArmAndCancel&) = delete;

  // Returns the ns per timer.
  double measure() {
    left_ = repetitions_;
    start_ns_ = now_ns();
    loop_->post(arm, this);
    over_.acquire();
    return static_cast<double>(end_ns_ - start_ns_) / repetitions_ / static_cast<double>(timers_.size());
  }

 private:
  void next(Call step) { in_turns_ ? loop_->post(step, this) : step(this); }

  static void arm(void* data) {
    auto& self = *static_cast<ArmAndCancel*>(data);
    do {
      for (std::size_t i = 0; i < self.timers_.size(); ++i)
        self.timers_[i]->arm(self.start_ns_, self.delays_[i]);
      self.next(cancel);
    } while (!self.in_turns_ && self.left_ > 0);
  }
  static void cancel(void* data) {
    auto& self = *static_cast<ArmAndCancel*>(data);
    for (const auto& timer : self.timers_) timer->cancel();
    if (--self.left_ == 0) {
      self.end_ns_ = now_ns();
      self.over_.release();
    } else if (self.in_turns_) {
      self.next(arm);
    }
  }

  std::unique_ptr<Loop> loop_;
  std::vector<std::unique_ptr<LoopTimer>> timers_;
  std::vector<std::int64_t> delays_;
  const int repetitions_;
  const bool in_turns_;
  int left_ = 0;
  std::int64_t start_ns_ = 0, end_ns_ = 0;
  std::binary_semaphore over_{0};
};

// Measures how late timers of 10 µs fire. A post arms each one 20 µs after the previous one has fired.
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
  for (const bool in_turns : {false, true}) {
    for (const int standing : {1000, 10'000, 100'000, 1'000'000}) {
      if (bench.effort.quick && standing > 1000) break;
      const std::string_view how = in_turns ? "the loop turning in between" : "within one call";
      Table table(fmt::format("Arm and cancel a timer, {} of them, {}", standing, how), {"ns"}, kReference);
      const int rounds = standing > 10'000 ? std::min(3, bench.effort.rounds()) : bench.effort.rounds();
      for (int round = 0; round < rounds; ++round) {
        for (const Contender& contender : bench.contenders) {
          if (!contender.has_timers || contender.most_timers < standing) continue;
          ArmAndCancel work(contender, standing, bench.effort(100'000, 1000), in_turns);
          table.add(contender.name, {work.measure()});
        }
      }
      table.print();
      const std::string what = fmt::format("timers, {}, {}: armed and cancelled a second", standing, how);
      bench.goals.at_least(what + ", to a plain 4-ary heap", 1 / table.ratio("qomio"), 1.0,
                           "handles can be moved, so each points to a separate timer; timers due at the same "
                           "time fire in order");
      bench.goals.at_least(what + ", to the best library",
                           table.best_except(kOwnContenders, false) / table.median("qomio"), 1.0,
                           "as for the plain heap");
    }
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

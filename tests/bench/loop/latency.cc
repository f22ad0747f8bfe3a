// SPDX-License-Identifier: GPL-2.0-or-later
// The time from a post to a loop until its answer, with different gaps between posts.
#include <fmt/core.h>

#include <atomic>
#include <semaphore>

#include "qomio/tests/bench/loop/bench.h"
#include "qomio/tests/bench/loop/threads.h"

namespace qomio::bench {
namespace {

constexpr std::int64_t kShortNs = 20'000;
constexpr std::int64_t kLongNs = 1'000'000;

// Posts to a loop and spins until the answer is there.
class Pinger {
 public:
  explicit Pinger(const Contender& contender) : loop_(contender.start()), cpu_(*loop_) {
    pin_self(0);
    pin(*loop_, 1);
  }
  ~Pinger() { unpin_self(); }
  Pinger(const Pinger&) = delete;
  Pinger& operator=(const Pinger&) = delete;

  // Waits for the gap, then posts; returns the time to the answer.
  std::int64_t ping(std::int64_t gap_ns) {
    wait_until(now_ns() + gap_ns, gap_ns >= 200'000);
    const std::uint32_t before = answers_.load(std::memory_order_relaxed);
    const std::int64_t start = now_ns();
    loop_->post(
        [](void* data) {
          auto& answers = static_cast<Pinger*>(data)->answers_;
          answers.store(answers.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        },
        this);
    while (answers_.load(std::memory_order_acquire) == before) pause_processor();
    return now_ns() - start;
  }

  std::int64_t cpu_ns() const { return cpu_.used_ns(); }

 private:
  alignas(64) std::atomic<std::uint32_t> answers_ = 0;
  alignas(64) std::unique_ptr<Loop> loop_;
  LoopCpu cpu_;
};

std::vector<double> ping_at(const Contender& contender, std::int64_t gap_ns, int count) {
  Pinger pinger(contender);
  std::vector<std::int64_t> samples;
  samples.reserve(static_cast<std::size_t>(count));
  const std::int64_t before = pinger.cpu_ns();
  for (int i = 0; i < count; ++i) samples.push_back(pinger.ping(gap_ns));
  const auto cpu = static_cast<double>(pinger.cpu_ns() - before) / count;
  return {percentile(samples, 0.5), percentile(samples, 0.99), cpu};
}

// Columns: p50 and p99 of the short gaps, CPU time per cycle, and the total time of the short gaps per cycle.
std::vector<double> ping_mixed(const Contender& contender, int cycles) {
  constexpr int kInARow = 50;
  Pinger pinger(contender);
  std::vector<std::int64_t> samples;
  std::int64_t short_ns = 0;
  const std::int64_t before = pinger.cpu_ns();
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const std::int64_t start = now_ns();
    for (int i = 0; i < kInARow; ++i) samples.push_back(pinger.ping(kShortNs));
    short_ns += now_ns() - start;
    for (int i = 0; i < kInARow; ++i) (void)pinger.ping(kLongNs);
  }
  const auto cpu = static_cast<double>(pinger.cpu_ns() - before) / cycles;
  return {percentile(samples, 0.5), percentile(samples, 0.99), cpu, static_cast<double>(short_ns) / cycles};
}

}  // namespace

void bench_latency(const Bench& bench) {
  const std::vector<std::string> columns{"p50, ns", "p99, ns", "CPU per post, ns"};
  Table close("Post to a loop and back, 20 µs apart", columns, kReference);
  Table apart("Post to a loop and back, 1 ms apart", columns, kReference);
  Table mixed("Gaps of 20 µs and of 1 ms, 50 each in turn",
              {"p50 of the short, ns", "p99 of the short, ns", "CPU per 50 + 50, ns", "short gaps took, ns"},
              kReference);
  for (int round = 0; round < bench.effort.rounds(); ++round) {
    for (const Contender& contender : bench.contenders) {
      close.add(contender.name, ping_at(contender, kShortNs, bench.effort(3000, 100)));
    }
    for (const Contender& contender : bench.contenders) {
      apart.add(contender.name, ping_at(contender, kLongNs, bench.effort(200, 10)));
    }
    for (const Contender& contender : bench.contenders) {
      mixed.add(contender.name, ping_mixed(contender, bench.effort(4, 1)));
    }
  }
  close.print();
  apart.print();
  mixed.print();
  bench.goals.at_most(
      "post, 20 µs apart: p50 to epoll's", close.ratio("qomio"), 0.011,
      fmt::format(
          "the mailbox, which does nothing else, is at {:.3g}; a post is one more line of the cache to fetch",
          close.ratio("mailbox")));
  bench.goals.at_most("post, 1 ms apart: CPU to epoll's", apart.ratio("qomio", 2), 1.05,
                      "more code and memory that is cold after 1 ms than a bare epoll_wait()");
  bench.goals.at_most("mixed gaps: p50 of the short ones to epoll's", mixed.ratio("qomio"), 0.02,
                      "the posts after each change until polling is on again");
  // The ideal loop polls during all short gaps and uses as little CPU time as epoll in the long ones.
  const double ideal = mixed.median("qomio", 3) + 50 * apart.median("epoll", 2);
  bench.goals.at_most("mixed gaps: CPU to that of polling only through the short ones",
                      mixed.median("qomio", 2) / ideal, 1.3,
                      "the long gaps polled in vain after each change until polling is off again");
}

// --- two loops that post to each other ---

namespace {

struct Match {
  std::unique_ptr<Loop> here, there;
  std::int64_t gap_ns;
  int left;
  std::vector<std::int64_t> samples = {};
  std::int64_t sent_ns = 0;
  std::binary_semaphore over{0};

  // Called in the loop `here`.
  void serve() {
    if (gap_ns > 0) wait_until(now_ns() + gap_ns, false);
    sent_ns = now_ns();
    there->post(
        [](void* data) {
          auto& match = *static_cast<Match*>(data);
          match.here->post([](void* same) { static_cast<Match*>(same)->returned(); }, &match);
        },
        this);
  }

  void returned() {
    samples.push_back(now_ns() - sent_ns);
    if (--left > 0) {
      serve();
    } else {
      over.release();
    }
  }
};

std::vector<double> play(const Contender& contender, std::int64_t gap_ns, int count) {
  Match match{.here = contender.start(), .there = contender.start(), .gap_ns = gap_ns, .left = count};
  pin(*match.here, 0);
  pin(*match.there, 1);
  match.here->post([](void* data) { static_cast<Match*>(data)->serve(); }, &match);
  match.over.acquire();
  // Joins both threads: the last call may not have returned yet.
  match.here = nullptr;
  match.there = nullptr;
  return {percentile(match.samples, 0.5), percentile(match.samples, 0.99)};
}

}  // namespace

void bench_two_loops(const Bench& bench) {
  const std::vector<std::string> columns{"p50, ns", "p99, ns"};
  Table back_to_back("Two loops post to each other, back to back", columns, kReference);
  Table close("Two loops post to each other, 20 µs apart", columns, kReference);
  for (int round = 0; round < bench.effort.rounds(); ++round) {
    for (const Contender& contender : bench.contenders) {
      back_to_back.add(contender.name, play(contender, 0, bench.effort(4000, 100)));
    }
    for (const Contender& contender : bench.contenders) {
      close.add(contender.name, play(contender, kShortNs, bench.effort(2000, 100)));
    }
  }
  back_to_back.print();
  close.print();
  bench.goals.at_most(
      "two loops, back to back: p50 to epoll's", back_to_back.ratio("qomio"), 0.008,
      fmt::format("the mailbox is at {:.3g}; each post is one more line of the cache to fetch",
                  back_to_back.ratio("mailbox")));
  bench.goals.at_most(
      "two loops, 20 µs apart: p50 to epoll's", close.ratio("qomio"), 0.01,
      fmt::format("the mailbox is at {:.3g}; each post is one more line of the cache to fetch",
                  close.ratio("mailbox")));
}

}  // namespace qomio::bench

// SPDX-License-Identifier: GPL-2.0-or-later
// Posts per second, from one producer or several.
#include <fmt/core.h>

#include <atomic>
#include <barrier>
#include <semaphore>

#include "qomio/tests/bench/loop/bench.h"

namespace qomio::bench {
namespace {

double posts_per_us(const Contender& contender, int producers, int posts) {
  const int each = posts / producers;
  struct Count {
    int left;
    std::int64_t end_ns = 0;
    std::binary_semaphore over{0};
  } count{.left = each * producers};
  const std::unique_ptr<Loop> loop = contender.start();
  std::barrier together(producers);
  std::atomic<std::int64_t> start_ns = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(producers));
    for (int i = 0; i < producers; ++i) {
      threads.emplace_back([&, i] {
        together.arrive_and_wait();
        if (i == 0) start_ns = now_ns();
        for (int post = 0; post < each; ++post) {
          loop->post(
              [](void* data) {
                auto& posted = *static_cast<Count*>(data);
                if (--posted.left > 0) return;
                posted.end_ns = now_ns();
                posted.over.release();
              },
              &count);
        }
      });
    }
    count.over.acquire();
  }
  return each * producers / (static_cast<double>(count.end_ns - start_ns) / 1000);
}

}  // namespace

void bench_throughput(const Bench& bench) {
  for (const int producers : {1, 2, 4}) {
    Table table(fmt::format("Posts from {} producer{}", producers, producers == 1 ? "" : "s"),
                {"million a second"}, kReference);
    for (int round = 0; round < bench.effort.rounds(); ++round) {
      for (const Contender& contender : bench.contenders) {
        if (!contender.many_producers) continue;
        table.add(contender.name, {posts_per_us(contender, producers, bench.effort(400'000, 1000))});
      }
    }
    table.print();
    bench.goals.at_least(fmt::format("posts a second, {} producers: to the best library", producers),
                         table.median("qomio") / table.best_except(kOwnContenders, true), 1.0,
                         "each post is handed over on its own; the others swap a whole vector under a mutex");
  }
}

}  // namespace qomio::bench

// SPDX-License-Identifier: GPL-2.0-or-later
// Compares event loops in one run: qomio, the libraries found at build time, raw epoll, which is the floor
// for loops that block, and a spinning mailbox, which is the floor for any loop. Prints Markdown.
//
//     loop_bench [--quick] [latency | two-loops | descriptors | throughput | timers | life]...
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "qomio/tests/bench/loop/bench.h"

namespace {

using namespace qomio::bench;

struct Part {
  std::string_view name;
  void (*run)(const Bench&);
};
constexpr std::array kParts{Part{"latency", bench_latency},         Part{"two-loops", bench_two_loops},
                            Part{"descriptors", bench_descriptors}, Part{"throughput", bench_throughput},
                            Part{"timers", bench_timers},           Part{"life", bench_life}};

}  // namespace

int main(int argc, char** argv) {
  Effort effort;
  std::vector<std::string_view> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      effort.quick = true;
    } else if (std::ranges::find(kParts, argument, &Part::name) != kParts.end()) {
      wanted.push_back(argument);
    } else {
      fmt::print(stderr, "loop_bench: '{}' is neither --quick nor a part\n", argument);
      return 2;
    }
  }
  Goals goals;
  const Bench bench{contenders(), effort, goals};
  for (const Part& part : kParts) {
    if (wanted.empty() || std::ranges::find(wanted, part.name) != wanted.end()) part.run(bench);
  }
  goals.print();
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Latency and CPU time of each polling policy for recorded arrival times. The real polling controller runs in
// virtual time, so that other load on the machine does not affect the result.
//
//     replay_bench [--poll-max-ns=N] [--wakeup-ns=N] [--sleep-cpu-ns=N] TRACE...
//
// Each line of a trace is the ns since the previous event, or "COUNT x NS".
#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "qomio/qapi/text.h"
#include "qomio/tests/bench/replay.h"

namespace {

using namespace qomio;

struct Row {
  const char* name;
  LoopParams params;
};

// Returns true if the argument is that option. Its value must be a number of nanoseconds, 0 or more;
// otherwise sets `wrong`.
bool take_option(std::string_view argument, std::string_view name, std::int64_t& value, bool& wrong) {
  if (!argument.starts_with(name) || argument.substr(name.size(), 1) != "=") return false;
  const auto number = parse_int64(argument.substr(name.size() + 1));
  wrong |= !number || *number < 0;
  if (!wrong) value = *number;
  return true;
}

int print(const std::string& path, std::int64_t max_ns, const bench::ReplayCosts& costs) {
  const auto arrivals = bench::read_trace(path);
  if (!arrivals) {
    fmt::print(stderr, "replay_bench: {}\n", arrivals.error().message());
    return 1;
  }
  fmt::print("\n### {}: {} events\n\n", path.substr(path.rfind('/') + 1), arrivals->size());
  fmt::print(
      "| policy | p50, ns | p99, ns | CPU per event, ns | found by polling |\n|---|--:|--:|--:|--:|\n");
  for (const Row& row : {Row{"none", {.poll_max_ns = 0}}, Row{"arrival", {.poll_max_ns = max_ns}},
                         Row{"classic", {.poll_max_ns = max_ns, .poll_policy = PollPolicy::classic}},
                         Row{"weighted", {.poll_max_ns = max_ns, .poll_policy = PollPolicy::weighted}}}) {
    const bench::Replayed result = bench::replay(*arrivals, row.params, costs);
    fmt::print("| {} | {} | {} | {:.0f} | {:.0f} % |\n", row.name, result.p50_ns, result.p99_ns,
               result.cpu_ns_per_event, 100 * result.polled_share);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t max_ns = LoopParams{}.poll_max_ns;
  bench::ReplayCosts costs;
  int status = 0;
  bool any = false;
  bool wrong = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (take_option(argument, "--poll-max-ns", max_ns, wrong) ||
        take_option(argument, "--wakeup-ns", costs.wakeup_ns, wrong) ||
        take_option(argument, "--sleep-cpu-ns", costs.sleep_cpu_ns, wrong)) {
      continue;
    }
    any = true;
    if (!wrong) status |= print(argv[i], max_ns, costs);
  }
  if (any && !wrong) return status;
  fmt::print(stderr, "usage: replay_bench [--poll-max-ns=N] [--wakeup-ns=N] [--sleep-cpu-ns=N] TRACE...\n");
  return 2;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Compares the daemon with QEMU's programs in one run: round trips, commands per second, and the costs of the
// processes. Prints Markdown.
//
//     qmp_bench [--quick]
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

#include "qomio/tests/bench/qmp/program.h"
#include "qomio/tests/bench/results.h"

namespace {

using namespace qomio::bench;

constexpr const char* kOurs = "qomiod";
constexpr const char* kSystem = "qemu-system";
constexpr const char* kStorage = "qemu-storage-daemon";
constexpr std::string_view kGet =
    R"({"execute": "qom-get", "arguments": {"path": "/objects/io0", "property": "poll-max-ns"}})"
    "\n";
constexpr std::string_view kQuery = "{\"execute\": \"query-iothreads\"}\n";
constexpr std::string_view kVersion = "{\"execute\": \"query-version\"}\n";

bool installed(const std::string& program) {
  std::string_view path = std::getenv("PATH") ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const std::string_view directory = path.substr(0, path.find(':'));
    if (::access(fmt::format("{}/{}", directory, program).c_str(), X_OK) == 0) return true;
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
  }
  return false;
}

std::vector<Contender> contenders() {
  std::vector<Contender> all{{kSystem,
                              {"qemu-system-x86_64", "-M", "none", "-nodefaults", "-nographic", "-qmp",
                               "unix:{socket},server=on,wait=off"},
                              true},
                             {kStorage,
                              {"qemu-storage-daemon", "--chardev",
                               "socket,id=c,path={socket},server=on,wait=off", "--monitor", "chardev=c"},
                              false},
                             {kOurs, {QOMIOD_PROGRAM, "--qmp", "unix:{socket}"}, true}};
  std::erase_if(all, [](const Contender& contender) {
    if (contender.name == kOurs || installed(contender.command_line[0])) return false;
    fmt::print("\n{} is left out: it is not installed.\n", contender.command_line[0]);
    return true;
  });
  return all;
}

// --- one round of one contender ---

std::vector<double> round_trip(Program& program, std::string_view request, int count) {
  std::vector<std::int64_t> samples;
  samples.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const std::int64_t start = now_ns();
    program.client().exchange(request);
    samples.push_back(now_ns() - start);
  }
  return {percentile(samples, 0.5) / 1000, percentile(samples, 0.99) / 1000};
}

// Returns the replies per second to a client that sends without waiting for them.
double stream_per_second(Program& program, std::string_view request, std::int64_t duration_ns) {
  std::string block;
  while (block.size() < (64 << 10)) block += request;
  std::string_view rest;
  std::int64_t replies = 0;
  const std::int64_t start = now_ns();
  std::int64_t end = start;
  for (; end - start < duration_ns; end = now_ns()) {
    if (rest.empty()) rest = block;
    rest.remove_prefix(program.client().send_some(rest));
    replies += std::ranges::count(program.client().receive_some().value_or(""), '\n');
  }
  return static_cast<double>(replies) * 1e9 / static_cast<double>(end - start);
}

double add_and_delete_per_second(Program& program, int count) {
  const std::int64_t start = now_ns();
  for (int i = 0; i < count; ++i) {
    program.client().exchange(
        R"({"execute": "object-add", "arguments": {"qom-type": "iothread", "id": "passing"}})"
        "\n");
    program.client().exchange(R"({"execute": "object-del", "arguments": {"id": "passing"}})"
                              "\n");
  }
  return count * 1e9 / static_cast<double>(now_ns() - start);
}

// Returns the ms of a command whose id has this many bytes, which the reply repeats.
double large_command_ms(Program& program, std::size_t bytes) {
  const std::string request =
      fmt::format("{{\"execute\": \"query-version\", \"id\": \"{}\"}}\n", std::string(bytes, 'x'));
  const std::int64_t start = now_ns();
  program.client().exchange(request);
  return static_cast<double>(now_ns() - start) / 1e6;
}

void pause_ms(int ms) { ::usleep(static_cast<useconds_t>(ms) * 1000); }

// --- all rounds, and the goals ---

class Comparison {
 public:
  Comparison(Effort effort, Goals& goals) : effort_(effort), goals_(goals), contenders_(contenders()) {}

  using Round = std::function<std::vector<double>(Program& program)>;

  // Runs the contenders in turn, each as a new process.
  Table run(const std::string& title, const std::vector<std::string>& columns, const std::string& reference,
            int rounds, const Round& round, bool needs_iothreads = true) const {
    Table table(title, columns, reference);
    for (int i = 0; i < (effort_.quick ? 1 : rounds); ++i) {
      for (const Contender& contender : contenders_) {
        if (needs_iothreads && !contender.knows_iothreads) continue;
        Program program(contender);
        table.add(contender.name, round(program));
      }
    }
    table.print();
    return table;
  }

  void round_trips() const {
    const std::vector<std::string> columns{"p50, µs", "p99, µs"};
    const std::string limit = "a system call to wait, one to read and one to write, and the waking up";
    for (const int threads : {1, 256}) {
      for (const auto& [name, request] : {std::pair("qom-get", kGet), std::pair("query-iothreads", kQuery)}) {
        const std::string title =
            fmt::format("Round trip of {}, {} IOThread{}", name, threads, threads == 1 ? "" : "s");
        const Table table = run(title, columns, kSystem, 7, [&](Program& program) {
          program.add_iothreads(threads);
          (void)round_trip(program, request, effort_(100, 1));
          return round_trip(program, request, effort_(1000, 5));
        });
        goals_.at_most(title + ": p50 to QEMU's", table.ratio(kOurs), 0.35, limit);
      }
    }
  }

  void throughput() const {
    for (const auto& [name, request] : {std::pair("qom-get", kGet), std::pair("query-version", kVersion)}) {
      const Table table = run(fmt::format("Stream of {}, without waiting for replies", name), {"a second"},
                              kSystem, 5, [&](Program& program) {
                                program.add_iothreads(1);
                                return std::vector{stream_per_second(
                                    program, request, effort_(500, 5) * std::int64_t{1'000'000})};
                              });
      goals_.at_least(fmt::format("stream of {}: commands a second to QEMU's", name), table.ratio(kOurs), 20);
    }
    const Table objects = run("object-add of an IOThread, and object-del", {"pairs a second"}, kSystem, 7,
                              [&](Program& program) {
                                (void)add_and_delete_per_second(program, effort_(20, 1));
                                return std::vector{add_and_delete_per_second(program, effort_(300, 2))};
                              });
    goals_.at_least("object-add and object-del: pairs a second to QEMU's", objects.ratio(kOurs), 3,
                    "a thread is made, waited for and joined");
    const std::size_t bytes = static_cast<std::size_t>(effort_(1 << 20, 1 << 14));
    const Table large =
        run(fmt::format("A command of {} KiB, which come back as its id", bytes >> 10), {"ms"}, kSystem, 3,
            [&](Program& program) { return std::vector{large_command_ms(program, bytes)}; });
    goals_.at_least("a command of 1 MiB: × faster than QEMU", 1 / large.ratio(kOurs), 50);
  }

  void processes() const {
    const Table start = run(
        "Start to greeting", {"ms"}, kStorage, 21,
        [](Program& program) {
          return std::vector{static_cast<double>(program.start_to_greeting_ns()) / 1e6};
        },
        false);
    goals_.at_most("start to greeting: to qemu-storage-daemon's", start.ratio(kOurs), 0.3,
                   "the dynamic linker, with the C++ library and GLib");

    const int threads = effort_(64, 2);
    Table memory = run(
        "Memory (Pss)", {"empty, KiB", "for each IOThread, KiB"}, kStorage, 5,
        [&](Program& program) {
          const double empty = program.pss_kib();
          program.add_iothreads(threads);
          return std::vector{empty, (program.pss_kib() - empty) / threads};
        },
        false);
    goals_.at_most("memory of the empty daemon: to qemu-storage-daemon's", memory.ratio(kOurs), 0.7,
                   "the pages touched of the C library, the C++ library and GLib");
    goals_.at_most("memory for each IOThread: to qemu-storage-daemon's", memory.ratio(kOurs, 1), 1.0,
                   "the pages that a thread touches of its stack, and the rings of io_uring");

    const Table quit = run(
        fmt::format("quit with {} IOThreads, until the process has gone", threads), {"ms"}, kStorage, 7,
        [&](Program& program) {
          program.add_iothreads(threads);
          return std::vector{static_cast<double>(program.quit_ns()) / 1e6};
        },
        false);
    goals_.at_most("quit: to qemu-storage-daemon's", quit.ratio(kOurs), 1.0);

    const int idle_ms = effort_(3000, 50);
    const Table idle = run(
        fmt::format("Idle for {} ms with {} IOThreads and a client", idle_ms, threads),
        {"wake-ups", "CPU, ns"}, kStorage, 1,
        [&](Program& program) {
          program.add_iothreads(threads);
          (void)round_trip(program, kGet, effort_(100, 1));
          pause_ms(effort_(500, 10));
          const auto before = program.activity();
          pause_ms(idle_ms);
          const auto after = program.activity();
          return std::vector{static_cast<double>(after.sleeps - before.sleeps),
                             static_cast<double>(after.cpu_ns - before.cpu_ns)};
        },
        false);
    goals_.at_most("idle: wake-ups", idle.median(kOurs), 0);
    goals_.at_most("idle: CPU, ns", idle.median(kOurs, 1), 0);
  }

 private:
  Effort effort_;
  Goals& goals_;
  std::vector<Contender> contenders_;
};

}  // namespace

int main(int argc, char** argv) {
  Effort effort;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--quick") {
      fmt::print(stderr, "usage: qmp_bench [--quick]\n");
      return 2;
    }
    effort.quick = true;
  }
  // Each IOThread needs several descriptors.
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);

  Goals goals;
  const Comparison comparison(effort, goals);
  comparison.round_trips();
  comparison.throughput();
  comparison.processes();
  goals.print();
}

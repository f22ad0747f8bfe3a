// SPDX-License-Identifier: GPL-2.0-or-later
// Coroutines side by side and with time limits. Asks twelve servers, four at a time; one of them never
// answers.
#include <cstdio>
#include <functional>
#include <vector>

#include "qomio/iothread/concurrency.h"
#include "qomio/qapi/standard_streams.h"

using namespace qomio;
using namespace std::chrono_literals;

Task<Result<int>> ask(int server) {
  const bool answered = co_await sleep_for(server == 5 ? 1h : 1ms);
  if (!answered) co_return std::unexpected(Error::cancelled());
  co_return server * 10;
}

Task<> ask_all(bool& done) {
  const std::vector<int> servers{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  int sum = 0;
  int late = 0;
  co_await for_each_concurrent(std::ref(servers), 4, [&](int server) -> Task<> {
    const Result<int> answer = co_await with_timeout(50ms, ask(server));
    if (answer) sum += *answer;
    if (!answer && answer.error().is_timed_out()) ++late;
  });
  std::printf("sum %d, %d late\n", sum, late);

  const auto [one, two] = co_await when_all(ask(1), ask(2));
  std::printf("together %d\n", one.value() + two.value());

  const auto first = co_await when_any(ask(5), ask(6));  // cancels the other
  std::printf("server %d was first\n", first.index() == 0 ? 5 : 6);
  done = true;
}

int main() {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  const auto loop = AioContext::create("together");
  if (!loop) return 1;
  const CurrentAioContext current(**loop);
  bool done = false;
  co_schedule(**loop, ask_all(done));
  while (!done) (*loop)->poll(true);
  if (std::fflush(stdout) != 0) return std::perror("standard output"), 1;
}

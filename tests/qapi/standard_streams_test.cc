// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

namespace qomio {
namespace standard_streams_test {

// Runs `part` in a child process. Returns the wait status of the child, which is 0 if `part` returned true.
int status_of(const std::function<bool()>& part) {
  const pid_t child = fork();
  if (child == 0) _exit(part() ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST(StandardStreams, numbers_of_closed_streams_are_not_free_afterwards) {
  for (int closed = 0; closed < 8; ++closed) {
    EXPECT_EQ(status_of([closed] {
                for (int fd = 0; fd < 3; ++fd) {
                  if (closed & 1 << fd) close(fd);
                }
                const auto streams = prepare_standard_streams();
                return streams && streams->input == bool(closed & 1) && streams->output == bool(closed & 2) &&
                       streams->error == bool(closed & 4) && dup(0) > 2;
              }),
              0)
        << closed;
  }
}

TEST(StandardStreams, a_closed_input_ends_at_once_and_a_closed_output_can_not_be_written) {
  EXPECT_EQ(status_of([] {
              for (int fd = 0; fd < 3; ++fd) close(fd);
              char byte = 0;
              if (!prepare_standard_streams() || read(STDIN_FILENO, &byte, 1) != 0) return false;
              print_error("lost");
              const auto printed = print_output("x");
              return !printed &&
                     printed.error().message() == "cannot write to standard output: Bad file descriptor";
            }),
            0);
}

TEST(StandardStreams, a_full_device_is_an_error_for_any_length) {
  for (const std::size_t length : {1U, 100'000U}) {
    EXPECT_EQ(status_of([length] {
                const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
                dup2(full, STDOUT_FILENO);
                dup2(full, STDERR_FILENO);
                print_error(std::string(length, 'x'));
                const auto printed = print_output(std::string(length, 'x'));
                return !printed && printed.error().message() ==
                                       "cannot write to standard output: No space left on device";
              }),
              0);
  }
}

TEST(StandardStreams, a_reader_that_has_gone_is_told_apart_and_ends_nothing) {
  EXPECT_EQ(status_of([] {
              std::array<int, 2> ends{};
              if (!prepare_standard_streams() || pipe(ends.data()) != 0) return false;
              dup2(ends[1], STDOUT_FILENO);
              dup2(ends[1], STDERR_FILENO);
              close(ends[1]);
              close(ends[0]);
              print_error("lost");
              const auto printed = print_output("x");
              return printed && *printed == Printed::reader_gone;
            }),
            0);
}

TEST(StandardStreams, a_pipe_that_does_not_block_gets_the_whole_text) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  constexpr std::size_t kMoreThanItHolds = 300'000;
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    _exit(print_output(std::string(kMoreThanItHolds, 'x')) ? 0 : 1);
  }
  close(ends[1]);
  std::array<char, 4096> bytes{};
  std::size_t total = 0;
  for (ssize_t count = 0; (count = read(ends[0], bytes.data(), bytes.size())) > 0;) {
    total += static_cast<std::size_t>(count);
  }
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(total, kMoreThanItHolds);
}

}  // namespace standard_streams_test
}  // namespace qomio

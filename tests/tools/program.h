// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace qomio::testing {

// The output of a program that has ended, and its exit status; -1 if it did not start or a signal killed it.
struct Ended {
  int status = -1;
  std::string out;
  std::string err;
};

// Runs a program until it ends. Its environment has only the given variables, LC_ALL, PATH and sanitizer
// options.
inline Ended run_program(const std::vector<std::string>& words,
                         const std::vector<std::string>& variables = {}) {
  std::array<std::array<int, 2>, 2> pipes{};
  Ended ended;
  for (auto& pair : pipes) {
    if (pipe2(pair.data(), O_CLOEXEC) != 0) return ended;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipes[0][1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 2);

  std::vector<std::string> environment = variables;
  environment.emplace_back("LC_ALL=C.UTF-8");
  for (const char* name : {"PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  }
  auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (const auto& string : strings) result.push_back(const_cast<char*>(string.c_str()));
    result.push_back(nullptr);
    return result;
  };
  pid_t child = 0;
  const int spawned = posix_spawnp(&child, words[0].c_str(), &actions, nullptr, pointers(words).data(),
                                   pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  for (auto& pair : pipes) close(pair[1]);

  std::array<std::string*, 2> texts = {&ended.out, &ended.err};
  std::array<pollfd, 2> entries = {pollfd{pipes[0][0], POLLIN, 0}, pollfd{pipes[1][0], POLLIN, 0}};
  while (spawned == 0 && (entries[0].fd >= 0 || entries[1].fd >= 0)) {
    if (poll(entries.data(), entries.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].revents == 0) continue;
      std::array<char, 4096> bytes{};
      const ssize_t count = read(entries[i].fd, bytes.data(), bytes.size());
      if (count > 0) {
        texts[i]->append(bytes.data(), static_cast<std::size_t>(count));
      } else {
        entries[i].fd = -1;
      }
    }
  }
  for (auto& pair : pipes) close(pair[0]);
  int status = 0;
  if (spawned == 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
    ended.status = WEXITSTATUS(status);
  return ended;
}

}  // namespace qomio::testing

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/tests/bench/qmp/program.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace qomio::bench {
namespace {

constexpr std::int64_t kPatienceNs = 60'000'000'000;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "qmp_bench: {}\n", why);
  std::exit(1);
}

// The client runs on the first processor, the servers on the others.
void use_processors(bool as_client) {
  const int all = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (all < 2) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu = as_client ? 0 : 1; cpu < (as_client ? 1 : all); ++cpu) CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

// A temporary directory, removed with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    if (!::mkdtemp(path_.data())) give_up("no temporary directory");
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "qmp_bench.XXXXXX").string();
};

std::string socket_path() {
  static const TemporaryDirectory directory;
  return directory.path() + "/qmp";
}

FileDescriptor connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

pid_t spawn(const Contender& contender) {
  std::vector<std::string> words = contender.command_line;
  std::vector<char*> arguments;
  for (std::string& word : words) {
    constexpr std::string_view kHole = "{socket}";
    if (const auto at = word.find(kHole); at != std::string::npos) {
      word.replace(at, kHole.size(), socket_path());
    }
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int problem = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) give_up(fmt::format("{}: {}", arguments[0], std::strerror(problem)));
  return pid;
}

// Returns the number after a label at the beginning of a line; 0 if there is none.
std::int64_t number_in(const std::filesystem::path& path, std::string_view label) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(label)) return std::atoll(line.c_str() + label.size());
  }
  return 0;
}

}  // namespace

std::int64_t now_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::size_t Client::send_some(std::string_view text) const {
  const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::optional<std::string_view> Client::receive_some() {
  const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got > 0) return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) return std::nullopt;
  return std::string_view();
}

std::size_t Client::exchange(std::string_view text, std::size_t lines) {
  std::size_t bytes = 0;
  const std::int64_t deadline_ns = now_ns() + kPatienceNs;
  while (lines > 0) {
    if (!text.empty()) text.remove_prefix(send_some(text));
    const auto piece = receive_some();
    if (!piece) give_up("the server has gone");
    if (piece->empty() && now_ns() > deadline_ns) give_up("the server does not answer");
    if (piece->starts_with("{\"error\"")) give_up(std::string(*piece));
    bytes += piece->size();
    lines -= std::min(lines, static_cast<std::size_t>(std::ranges::count(*piece, '\n')));
  }
  return bytes;
}

Program::Program(const Contender& contender) {
  const std::string path = socket_path();
  (void)::unlink(path.c_str());
  use_processors(false);
  const std::int64_t start_ns = now_ns();
  pid_ = spawn(contender);
  use_processors(true);
  FileDescriptor socket;
  while (!(socket = connect_to(path))) {
    if (now_ns() - start_ns > kPatienceNs || ::waitpid(pid_, nullptr, WNOHANG) != 0) {
      give_up(contender.name + " does not start");
    }
  }
  client_.emplace(std::move(socket));
  client_->exchange({});
  start_to_greeting_ns_ = now_ns() - start_ns;
  client_->exchange("{\"execute\": \"qmp_capabilities\"}\n");
}

Program::~Program() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::add_iothreads(int count) {
  for (int i = 0; i < count; ++i) {
    client_->exchange(
        fmt::format(R"({{"execute": "object-add", "arguments": {{"qom-type": "iothread", "id": "io{}"}}}})"
                    "\n",
                    i));
  }
}

std::int64_t Program::quit_ns() {
  const std::int64_t start_ns = now_ns();
  (void)client_->send_some("{\"execute\": \"quit\"}\n");
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
  return now_ns() - start_ns;
}

double Program::pss_kib() const {
  return static_cast<double>(number_in(fmt::format("/proc/{}/smaps_rollup", pid_), "Pss:"));
}

Program::Activity Program::activity() const {
  Activity all{};
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_))) {
    all.cpu_ns += number_in(task.path() / "schedstat", "");
    all.sleeps += number_in(task.path() / "status", "voluntary_ctxt_switches:");
  }
  return all;
}

}  // namespace qomio::bench

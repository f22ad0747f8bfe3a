// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/listener.h"

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <barrier>
#include <csignal>
#include <fstream>
#include <thread>

#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace listener_test {

using testing::HasSubstr;
using testing::StartsWith;

class UnixListenerTest : public QmpServerTest {
 protected:
  mode_t mode_of(const std::string& path) {
    struct stat status = {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0);
    return status.st_mode;
  }
  // Creates a socket file on which no process listens.
  std::string dead_socket() {
    const std::string path = directory_ / "dead";
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    const FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return path;
  }
  std::string failure_of(const std::string& path) {
    const auto result = server_->listen(path);
    return result ? "" : result.error().message();
  }
  std::string in_use(const std::string& path) {
    return fmt::format("socket '{}' is in use by another program", path);
  }
  // A process that starts to listen when it receives a byte and runs until it is killed.
  struct Program {
    pid_t id;
    FileDescriptor orders;
    FileDescriptor answers;
  };
  Program start_program(const std::string& path) {
    std::array<int, 2> orders{};
    std::array<int, 2> answers{};
    EXPECT_EQ(pipe2(orders.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(answers.data(), O_CLOEXEC), 0);
    const pid_t id = fork();
    if (id == 0) {
      char byte = 0;
      close(orders[1]);
      if (read(orders[0], &byte, 1) != 1) _exit(1);
      const auto listener = UnixListener::open(context_, path, [](const FileDescriptor&) {});
      byte = listener ? 's' : listener.error().message() == in_use(path) ? 'u' : '?';
      if (write(answers[1], &byte, 1) != 1) _exit(1);
      while (true) pause();
    }
    close(orders[0]);
    close(answers[1]);
    return {id, FileDescriptor(orders[1]), FileDescriptor(answers[0])};
  }
  std::size_t files() {
    return static_cast<std::size_t>(std::ranges::distance(std::filesystem::directory_iterator(directory_)));
  }
};

TEST_F(UnixListenerTest, the_socket_is_for_its_owner_only_whatever_the_umask) {
  for (const mode_t mask : {0, 022, 077, 0777}) {
    const mode_t old = umask(mask);
    const std::string path = directory_ / fmt::format("mask{}", mask);
    EXPECT_TRUE(server_->listen(path));
    umask(old);
    EXPECT_EQ(mode_of(path), static_cast<mode_t>(S_IFSOCK | 0600));
  }
}

TEST_F(UnixListenerTest, a_live_socket_is_not_taken_over) {
  QmpServer second(registry_, context_);
  const auto result = second.listen(path_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), fmt::format("socket '{}' is in use by another program", path_));
  TestClient client = negotiated();
}

TEST_F(UnixListenerTest, a_dead_socket_is_replaced) {
  const std::string path = dead_socket();
  const std::size_t before = files();
  EXPECT_EQ(failure_of(path), "");
  EXPECT_EQ(files(), before);
  TestClient client(path);
  EXPECT_THAT(line(client), StartsWith("{\"QMP\""));
}

// Each round leaves the socket of a killed program behind for the next one.
TEST_F(UnixListenerTest, of_two_programs_that_start_at_the_same_moment_exactly_one_serves) {
  const std::string path = dead_socket();
  for (int round = 0; round < 200; ++round) {
    std::array<Program, 2> programs = {start_program(path), start_program(path)};
    for (const Program& each : programs) ASSERT_EQ(write(each.orders.get(), "", 1), 1);
    std::string answers;
    for (const Program& each : programs) {
      char answer = 0;
      ASSERT_EQ(read(each.answers.get(), &answer, 1), 1);
      answers += answer;
    }
    EXPECT_THAT(answers, testing::AnyOf("su", "us")) << round;
    EXPECT_TRUE(TestClient(socket(AF_UNIX, SOCK_STREAM, 0)).connect_to(path)) << round;
    for (const Program& each : programs) {
      kill(each.id, SIGKILL);
      waitpid(each.id, nullptr, 0);
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_EQ(failure_of(path), "");
}

TEST_F(UnixListenerTest, of_two_listeners_of_one_program_that_start_at_the_same_moment_exactly_one_serves) {
  std::barrier start(2);
  for (int round = 0; round < 200; ++round) {
    const std::string path = dead_socket();
    std::array<std::string, 2> said;
    std::array<std::unique_ptr<UnixListener>, 2> listeners;
    const auto listen = [&](std::size_t which) {
      start.arrive_and_wait();
      auto listener = UnixListener::open(context_, path, [](const FileDescriptor&) {});
      said.at(which) = listener ? "serves" : listener.error().message();
      if (listener) listeners.at(which) = std::move(*listener);
    };
    {
      const std::jthread other(listen, 0);
      listen(1);
    }
    std::ranges::sort(said);
    EXPECT_THAT(said, testing::ElementsAre("serves", in_use(path))) << round;
    EXPECT_TRUE(TestClient(socket(AF_UNIX, SOCK_STREAM, 0)).connect_to(path)) << round;
    listeners = {};
    ASSERT_FALSE(std::filesystem::exists(path));
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(UnixListenerTest, a_socket_that_another_program_is_making_is_in_use) {
  const std::string path = dead_socket();
  const FileDescriptor lock(open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);
  EXPECT_EQ(failure_of(path), in_use(path));
  EXPECT_EQ(flock(lock.get(), LOCK_UN), 0);
  EXPECT_EQ(failure_of(path), "");
}

TEST_F(UnixListenerTest, the_lock_file_of_a_dead_program_blocks_nobody_and_is_removed) {
  const std::size_t before = files();
  const std::string path = directory_ / "new";
  std::ofstream(path + ".lock").close();
  EXPECT_EQ(failure_of(path), "");
  EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
  server_.reset();
  EXPECT_EQ(files(), before - 1);
}

TEST_F(UnixListenerTest, a_file_that_is_no_lock_is_refused_and_left_alone) {
  const std::string path = directory_ / "new";
  const std::string lock = path + ".lock";
  std::ofstream(lock) << "precious";
  EXPECT_EQ(failure_of(path), fmt::format("'{}' exists and is not a lock file", lock));
  std::string text;
  std::ifstream(lock) >> text;
  EXPECT_EQ(text, "precious");
  std::filesystem::remove(lock);

  std::filesystem::create_symlink(directory_ / "elsewhere", lock);
  EXPECT_THAT(failure_of(path),
              StartsWith(fmt::format("cannot make socket '{}': cannot open '{}': ", path, lock)));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
}

TEST_F(UnixListenerTest, a_live_socket_is_in_use_also_where_no_lock_can_be_made) {
  std::filesystem::create_directory(path_ + ".lock");
  EXPECT_EQ(failure_of(path_), in_use(path_));
}

TEST_F(UnixListenerTest, any_other_file_is_refused_and_left_alone) {
  const std::string file = directory_ / "file";
  std::ofstream(file) << "precious";
  EXPECT_EQ(failure_of(file), fmt::format("'{}' exists and is not a socket", file));
  std::string text;
  std::ifstream(file) >> text;
  EXPECT_EQ(text, "precious");

  const std::string link = directory_ / "link";
  std::filesystem::create_symlink(dead_socket(), link);
  EXPECT_EQ(failure_of(link), fmt::format("'{}' exists and is not a socket", link));
  EXPECT_EQ(failure_of(directory_), fmt::format("'{}' exists and is not a socket", directory_.string()));
}

TEST_F(UnixListenerTest, paths_that_cannot_be_are_errors) {
  EXPECT_THAT(failure_of(std::string(108, 'a')), HasSubstr("is too long: 107 bytes are allowed"));
  EXPECT_THAT(failure_of(directory_ / "none" / "sock"), HasSubstr("No such file or directory"));
  EXPECT_EQ(failure_of(""), "a socket needs a path");
}

TEST_F(UnixListenerTest, the_file_is_removed_at_the_end) {
  EXPECT_TRUE(std::filesystem::exists(path_));
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, a_file_that_is_no_longer_ours_is_left_at_the_end) {
  std::filesystem::rename(path_, directory_ / "kept");  // so that its inode number isn't reused
  std::ofstream(path_) << "another";
  server_.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "kept"));
}

TEST_F(UnixListenerTest, without_descriptors_a_client_is_refused_and_the_server_lives) {
  TestClient first = negotiated();
  std::vector<TestClient> waiting;
  for (int i = 0; i < 3; ++i) waiting.emplace_back(socket(AF_UNIX, SOCK_STREAM, 0));
  rlimit old = {};
  getrlimit(RLIMIT_NOFILE, &old);
  const rlimit low = {.rlim_cur = 64, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  std::vector<FileDescriptor> fill;
  for (int fd = 0; (fd = dup(0)) >= 0;) fill.emplace_back(fd);

  for (TestClient& client : waiting) {
    ASSERT_TRUE(client.connect_to(path_));
    settle();  // would not return if the loop spun
    client.receive();
    EXPECT_TRUE(client.ended());
  }
  EXPECT_EQ(ask(first, "{'execute':'work'}").size(), 1U);

  fill.clear();
  setrlimit(RLIMIT_NOFILE, &old);
  TestClient later = negotiated();
}

// If the spare descriptor is lost as well, the client waits and is served once a descriptor is available.
TEST_F(UnixListenerTest, without_even_the_spare_descriptor_the_loop_does_not_spin) {
  settle();  // sanitizers need descriptors the first time that code runs
  TestClient first(socket(AF_UNIX, SOCK_STREAM, 0));
  rlimit old = {};
  getrlimit(RLIMIT_NOFILE, &old);
  const rlimit none = {.rlim_cur = 3, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  ASSERT_TRUE(first.connect_to(path_));
  settle();
  setrlimit(RLIMIT_NOFILE, &old);
  while (server_->client_count() == 0) {
    first.receive();
    if (first.ended()) break;
    g_main_context_iteration(context_, TRUE);
  }
  EXPECT_EQ(server_->client_count(), 1U);
}

}  // namespace listener_test
}  // namespace qomio

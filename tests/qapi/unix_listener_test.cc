// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/unix_listener.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class UnixListenerTest : public QmpServerTest {
 protected:
  mode_t mode_of(const std::string& path) {
    struct stat status = {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0);
    return status.st_mode;
  }
  // A socket file that nobody listens on.
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
  QmpServer second(context_, interface_);
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

TEST_F(UnixListenerTest, any_other_file_is_refused_and_left_alone) {
  const std::string file = directory_ / "file";
  std::ofstream(file) << "precious";
  EXPECT_EQ(failure_of(file), fmt::format("'{}' exists and is no socket", file));
  std::string text;
  std::ifstream(file) >> text;
  EXPECT_EQ(text, "precious");

  const std::string link = directory_ / "link";
  std::filesystem::create_symlink(dead_socket(), link);
  EXPECT_EQ(failure_of(link), fmt::format("'{}' exists and is no socket", link));
  EXPECT_EQ(failure_of(directory_), fmt::format("'{}' exists and is no socket", directory_.string()));
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
  std::filesystem::rename(path_, directory_ / "kept");  // so that its number isn't given out again
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

// The spare descriptor is lost too: the client waits, and is served when it is possible again.
TEST_F(UnixListenerTest, without_even_the_spare_descriptor_the_loop_does_not_spin) {
  settle();  // sanitizers want descriptors for what they see the first time
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

}  // namespace
}  // namespace qomio

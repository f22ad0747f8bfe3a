// SPDX-License-Identifier: GPL-2.0-or-later
// Access control: read-only clients, other users, and sockets that another process created.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>

#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace qmp_access_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class QmpAccessTest : public QmpServerTest {
 protected:
  QmpAccessTest() {
    registry_.add(command("look", "for tests", +[] { return Result<void>(); }).query());
    read_only_path_ = directory_ / "read-only";
    EXPECT_TRUE(server_->listen(read_only_path_, Access::read_only));
  }
  static int listening_socket(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }
  TestClient connected(const std::string& path) {
    TestClient client(path);
    line(client);
    ask(client, kNegotiate);
    return client;
  }
  std::string read_only_path_;
};

TEST_F(QmpAccessTest, a_read_only_client_may_run_queries_and_nothing_else) {
  TestClient client = connected(read_only_path_);
  EXPECT_THAT(ask(client, "{'execute':'look'}"), ElementsAre(R"({"return": {}})"));
  EXPECT_THAT(
      ask(client, "{'execute':'work'}"),
      ElementsAre(error_line("CommandNotFound", "The command work is not allowed: access is read-only")));
  EXPECT_THAT(ask(client, "{'execute':'nope'}"),
              ElementsAre(error_line("CommandNotFound", "The command nope has not been found")));
  EXPECT_EQ(runs_, 0);
}

TEST_F(QmpAccessTest, out_of_band_is_no_way_around) {
  TestClient client(read_only_path_);
  line(client);
  ask(client, kNegotiateOob);
  EXPECT_THAT(ask(client, "{'exec-oob':'urgent'}"), ElementsAre(HasSubstr("access is read-only")));
}

TEST_F(QmpAccessTest, a_read_only_client_is_told_of_what_it_may_run) {
  TestClient all = connected(path_);
  TestClient some = connected(read_only_path_);
  for (const char* query : {"{'execute':'query-commands'}", "{'execute':'query-qmp-schema'}"}) {
    EXPECT_THAT(ask(all, query), ElementsAre(AllOf(HasSubstr("\"work\""), HasSubstr("\"look\""))));
    EXPECT_THAT(ask(some, query), ElementsAre(AllOf(Not(HasSubstr("\"work\"")), HasSubstr("\"look\""))));
  }
}

TEST_F(QmpAccessTest, a_read_only_client_hears_events) {
  TestClient client = connected(read_only_path_);
  registry_.emit("TICK", Json::object());
  EXPECT_THAT(lines(client), ElementsAre(HasSubstr("TICK")));
}

// The mode of the socket file would keep other users out, so the test gives them access to it.
TEST_F(QmpAccessTest, other_users_are_hung_up_on) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be someone else";
  std::filesystem::permissions(directory_, std::filesystem::perms::all);
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(seteuid(kNobody), 0);
  TestClient other(path_);
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_THAT(lines(other), IsEmpty());
  EXPECT_TRUE(other.ended());
  EXPECT_EQ(server_->client_count(), 0U);
  negotiated();
}

TEST_F(QmpAccessTest, a_socket_that_listens_already_is_served) {
  const std::string path = directory_ / "handed-over";
  const int fd = listening_socket(path);
  ASSERT_TRUE(server_->serve(fd, Access::read_only));
  TestClient client = connected(path);
  EXPECT_THAT(ask(client, "{'execute':'work'}"), ElementsAre(HasSubstr("access is read-only")));
  TestClient second = connected(path);
  EXPECT_THAT(ask(second, "{'execute':'look'}"), ElementsAre(R"({"return": {}})"));
  server_.reset();
  EXPECT_TRUE(std::filesystem::exists(path)) << "whoever made it removes it";
}

TEST_F(QmpAccessTest, a_socket_that_is_connected_already_is_served) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ASSERT_TRUE(server_->serve(pair[0], Access::read_only));
  TestClient client(pair[1]);
  EXPECT_THAT(line(client), HasSubstr("QMP"));
  ask(client, kNegotiate);
  EXPECT_THAT(ask(client, "{'execute':'look'}"), ElementsAre(R"({"return": {}})"));
}

TEST_F(QmpAccessTest, other_descriptors_are_refused) {
  EXPECT_EQ(server_->serve(987).error().message(), "descriptor 987: Bad file descriptor");
  const int internet = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(listen(internet, 1), 0);
  EXPECT_EQ(server_->serve(internet).error().message(),
            fmt::format("descriptor {} is not a Unix stream socket", internet));
}

TEST_F(QmpAccessTest, a_descriptor_is_served_once_under_whatever_number) {
  const std::string path = directory_ / "inherited";
  const int fd = listening_socket(path);
  const FileDescriptor copy(dup(fd));
  ASSERT_TRUE(server_->serve(fd, Access::read_only));
  EXPECT_EQ(server_->serve(fd).error().message(),
            fmt::format("descriptor {} is served already, with access=read-only", fd));
  EXPECT_EQ(server_->serve(copy.get()).error().message(),
            fmt::format(
                "descriptor {} is the same as descriptor {}, which is served already, with access=read-only",
                copy.get(), fd));
  EXPECT_EQ(server_->add_client(copy.get(), STDOUT_FILENO).error().message(),
            fmt::format(
                "descriptor {} is the same as descriptor {}, which is served already, with access=read-only",
                copy.get(), fd));
  TestClient client(path);
  EXPECT_THAT(line(client), testing::HasSubstr("QMP")) << "the first is served still";
}

TEST_F(QmpAccessTest, a_connection_is_served_once_under_whatever_number) {
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  const FileDescriptor copy(dup(pair[0]));
  ASSERT_TRUE(server_->serve(pair[0], Access::read_only));
  EXPECT_EQ(server_->serve(pair[0]).error().message(),
            fmt::format("descriptor {} is served already, with access=read-only", pair[0]));
  EXPECT_EQ(server_->serve(copy.get()).error().message(),
            fmt::format(
                "descriptor {} is the same as descriptor {}, which is served already, with access=read-only",
                copy.get(), pair[0]));
  close(pair[1]);
}

TEST_F(QmpAccessTest, programs_that_the_process_starts_do_not_inherit_a_connection) {
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  ASSERT_EQ(fcntl(pair[0], F_GETFD), 0);
  ASSERT_TRUE(server_->serve(pair[0]));
  EXPECT_EQ(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
  close(pair[1]);
}

}  // namespace qmp_access_test
}  // namespace qomio

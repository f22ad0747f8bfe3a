// SPDX-License-Identifier: GPL-2.0-or-later
// The sessions that commands of QMP clients see.
#include <netinet/in.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/qapi/session.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace qmp_session_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr ErrorClass kLoginFailed("LoginFailed");

struct LoginArguments {
  std::string user;
  static constexpr std::string_view type_name = "LoginArguments";
  static constexpr auto members = member_list(member("user", &LoginArguments::user));
};

// Sends an event to all clients when its client leaves.
struct Login {
  CommandRegistry* registry = nullptr;
  std::string user;
  Login() = default;
  Login(const Login&) = delete;
  Login& operator=(const Login&) = delete;
  ~Login() {
    if (registry) registry->emit("LEFT", LoginArguments{user});
  }
};

class QmpClientSessionTest : public QmpServerTest {
 protected:
  QmpClientSessionTest() {
    registry_.add(command("login", "for tests", &QmpClientSessionTest::login, *this).query());
    registry_.add(command("wait", "for tests", [this](Session& session, Answer<void> answer) {
                    waiting_ = session.shared_from_this();
                    answer_ = std::move(answer);
                  }).query());
    registry_.add(command("peer", "for tests", [](const Session& session) -> Result<std::string> {
                    const auto& peer = session.peer();
                    return peer ? fmt::format("{} {}", peer->uid, peer->pid) : "none";
                  }).query());
    registry_.add(command("greet", "for tests", [](Session& session) -> Result<void> {
                    session.emit("HELLO");
                    return {};
                  }).query());
    Event hello = event("HELLO", "for tests");
    hello.on_request = true;
    registry_.add(std::move(hello));
    registry_.add(event<LoginArguments>("LEFT", "for tests"));
    read_only_path_ = directory_ / "read-only";
    EXPECT_TRUE(server_->listen(read_only_path_, Access::read_only));
  }
  Result<void> login(const LoginArguments& given, Session& session) {
    if (given.user == "eve") return error(kLoginFailed, "user '{}' may not log in", given.user);
    session.data<Login>().registry = &registry_;
    session.data<Login>().user = given.user;
    session.set_access(Access::full);
    return {};
  }
  static std::string login_request(std::string_view user) {
    return fmt::format("{{'execute':'login','arguments':{{'user':'{}'}}}}", user);
  }
  TestClient read_only_client() {
    TestClient client(read_only_path_);
    line(client);
    ask(client, kNegotiate);
    return client;
  }

  std::string read_only_path_;
  std::shared_ptr<Session> waiting_;
  std::optional<Answer<void>> answer_;
};

TEST_F(QmpClientSessionTest, a_login_gives_its_client_access_and_no_other) {
  TestClient ann = read_only_client();
  TestClient bob = read_only_client();
  EXPECT_THAT(ask(ann, "{'execute':'work'}"), ElementsAre(HasSubstr("access is read-only")));
  EXPECT_THAT(ask(ann, login_request("ann") + "{'execute':'work'}"),
              ElementsAre(R"({"return": {}})", R"({"return": 1})"))
      << "also a request that was sent at once";
  EXPECT_THAT(ask(ann, "{'execute':'query-commands'}"), ElementsAre(HasSubstr("\"work\"")));
  EXPECT_THAT(ask(bob, "{'execute':'work'}"), ElementsAre(HasSubstr("access is read-only")));
  EXPECT_THAT(ask(bob, "{'execute':'query-commands'}"), ElementsAre(Not(HasSubstr("\"work\""))));
}

TEST_F(QmpClientSessionTest, an_error_of_the_programs_own_class_is_sent_with_its_name) {
  TestClient eve = read_only_client();
  EXPECT_THAT(ask(eve, login_request("eve")),
              ElementsAre(error_line("LoginFailed", "user 'eve' may not log in")));
}

TEST_F(QmpClientSessionTest, the_peer_is_the_process_that_connected) {
  const std::string own = fmt::format(R"({{"return": "{} {}"}})", geteuid(), getpid());
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, "{'execute':'peer'}"), ElementsAre(own));
  std::array<int, 2> pair{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  ASSERT_TRUE(server_->serve(pair[0]));
  TestClient given(pair[1]);
  line(given);
  ask(given, kNegotiate);
  EXPECT_THAT(ask(given, "{'execute':'peer'}"), ElementsAre(own)) << "who made the pair";
}

TEST_F(QmpClientSessionTest, a_client_on_another_kind_of_descriptor_has_no_peer) {
  const FileDescriptor listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  const auto generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener.get(), generic, length), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), generic, &length), 0);
  const int connecting = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(connecting, generic, length), 0);
  ASSERT_TRUE(server_->add_client(accept(listener.get(), nullptr, nullptr)));
  TestClient client(connecting);
  // The loopback interface delivers what is sent before send() returns.
  EXPECT_THAT(line(client), HasSubstr("QMP"));
  ask(client, kNegotiate);
  EXPECT_THAT(ask(client, "{'execute':'peer'}"), ElementsAre(R"({"return": "none"})"));
}

TEST_F(QmpClientSessionTest, an_event_for_one_client_reaches_it_before_the_reply_and_no_other) {
  TestClient client = negotiated();
  TestClient other = negotiated();
  EXPECT_THAT(ask(client, "{'execute':'greet'}"),
              ElementsAre(HasSubstr(R"("event": "HELLO"})"), R"({"return": {}})"))
      << "the client has not subscribed to it";
  EXPECT_THAT(lines(other), IsEmpty());
}

TEST_F(QmpClientSessionTest, data_of_a_client_that_leaves_is_destroyed) {
  TestClient ann = negotiated();
  TestClient bob = negotiated();
  ask(ann, login_request("ann"));
  EXPECT_THAT(lines(bob), IsEmpty());
  ann.leave();
  EXPECT_THAT(lines(bob), ElementsAre(HasSubstr(R"("event": "LEFT", "data": {"user": "ann"})")));
}

TEST_F(QmpClientSessionTest, data_of_all_clients_is_destroyed_with_the_server) {
  TestClient ann = negotiated();
  TestClient bob = negotiated();
  ask(ann, login_request("ann"));
  ask(bob, login_request("bob"));
  std::vector<std::string> left;
  const auto listening = registry_.listen(
      [&](std::string_view, const Json& data) { left.push_back(data["user"].get<std::string>()); });
  server_.reset();
  EXPECT_THAT(left, ElementsAre("ann", "bob"));
}

TEST_F(QmpClientSessionTest, a_session_that_a_handler_keeps_closes_when_its_client_leaves) {
  TestClient client = negotiated();
  ask(client, login_request("ann") + "{'execute':'wait'}");
  ASSERT_TRUE(waiting_);
  EXPECT_TRUE(waiting_->is_open());
  waiting_->emit("HELLO");
  EXPECT_THAT(lines(client), ElementsAre(HasSubstr("HELLO")));
  std::string user;
  answer_->on_cancel([&] { user = waiting_->data<Login>().user; });
  client.leave();
  settle();
  EXPECT_FALSE(waiting_->is_open());
  EXPECT_EQ(user, "ann") << "what runs is cancelled while the data is there";
  waiting_->emit("HELLO");
  answer_->send({});
}

}  // namespace qmp_session_test
}  // namespace qomio

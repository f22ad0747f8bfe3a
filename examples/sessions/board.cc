// SPDX-License-Identifier: GPL-2.0-or-later
// A notice board: clients log in, post notices, and are sent those of the topics that they watch. Shows
// commands with state, and what a command knows of the client that calls it. See docs/OBJECTS.md.
//
//     board board.qmp
#include <qomio/qapi/standard_streams.h>
#include <qomio/qomio.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace qomio;

namespace {

// A class of errors that QMP does not have.
constexpr ErrorClass kLoginFailed("LoginFailed");

struct LoginArguments {
  std::string user;
  std::string password;
  static constexpr std::string_view type_name = "LoginArguments";
  static constexpr auto members =
      member_list(member("user", &LoginArguments::user), member("password", &LoginArguments::password));
};

struct WatchArguments {
  std::string topic;
  static constexpr std::string_view type_name = "WatchArguments";
  static constexpr auto members = member_list(member("topic", &WatchArguments::topic));
};

struct PostArguments {
  std::string topic;
  std::string text;
  static constexpr std::string_view type_name = "PostArguments";
  static constexpr auto members =
      member_list(member("topic", &PostArguments::topic), member("text", &PostArguments::text));
};

struct Notice {
  std::string topic;
  std::string text;
  std::string author;
  static constexpr std::string_view type_name = "Notice";
  static constexpr auto members = member_list(member("topic", &Notice::topic), member("text", &Notice::text),
                                              member("author", &Notice::author, "the user who posted it"));
};

struct ClientInfo {
  std::uint64_t id = 0;
  std::string user;
  std::optional<std::int64_t> pid;
  static constexpr std::string_view type_name = "ClientInfo";
  static constexpr auto members =
      member_list(member("id", &ClientInfo::id, "number of the session"),
                  member("user", &ClientInfo::user, "who has logged in; empty: nobody"),
                  member("pid", &ClientInfo::pid, "the client's process"));
};

// Who has logged in. Each session has its own.
struct Login {
  std::string user;
};

// The topics that one client watches. Destroyed when the client leaves: then the board forgets it.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher() {
    if (all_) all_->erase(this);
  }
  void watch(const std::string& topic, Session& session, std::set<Watcher*>& all) {
    session_ = &session;
    all_ = &all;
    all.insert(this);
    topics_.insert(topic);
  }
  void tell(const Notice& notice) const {
    if (topics_.contains(notice.topic)) session_->emit("POSTED", notice);
  }

 private:
  Session* session_ = nullptr;
  std::set<Watcher*>* all_ = nullptr;
  std::set<std::string> topics_;
};

// Clients begin with read-only access, which is enough to log in.
Result<void> login(const LoginArguments& given, Session& session) {
  static const std::map<std::string, std::string> passwords = {{"ann", "plum"}, {"bob", "pear"}};
  const auto known = passwords.find(given.user);
  if (known == passwords.end() || known->second != given.password) {
    return error(kLoginFailed, "wrong user or password");
  }
  session.data<Login>().user = given.user;
  session.set_access(Access::full);
  return {};
}

Result<ClientInfo> query_client(Session& session) {
  ClientInfo info{.id = session.id(), .user = session.data<Login>().user, .pid = {}};
  if (session.peer()) info.pid = session.peer()->pid;
  return info;
}

// Its methods are commands.
class Board {
 public:
  Result<void> watch(const WatchArguments& arguments, Session& session) {
    session.data<Watcher>().watch(arguments.topic, session, watchers_);
    return {};
  }
  Result<void> post(const PostArguments& arguments, Session& session) {
    notices_.push_back({arguments.topic, arguments.text, session.data<Login>().user});
    for (const Watcher* watcher : watchers_) watcher->tell(notices_.back());
    return {};
  }
  Result<std::vector<Notice>> notices() const { return notices_; }

 private:
  std::vector<Notice> notices_;
  std::set<Watcher*> watchers_;
};

}  // namespace

int main(int argc, char** argv) {
  if (!prepare_standard_streams()) return 1;  // before anything else is opened
  auto main_loop = MainLoop::create();
  if (!main_loop) return std::fprintf(stderr, "%s\n", main_loop.error().message().c_str()), 1;
  Board board;  // outlives its commands, and the clients that watch it
  CommandRegistry commands;
  add_iothread_commands(commands, *main_loop);  // quit and others
  commands.add(command("login", "gives this client full access", login).query());
  commands.add(command("query-client", "what the server knows of this client", query_client).query());
  commands.add(event<Notice>("POSTED", "a notice about a topic that this client watches"));
  commands.add(command("watch", "sends this client the notices about a topic", &Board::watch, board).query());
  commands.add(command("post", "adds a notice", &Board::post, board));
  commands.add(command("query-notices", "all notices, oldest first", &Board::notices, board).query());

  QmpServer qmp(commands, main_loop->g_main_context());
  if (auto listening = qmp.listen(argc > 1 ? argv[1] : "board.qmp", Access::read_only); !listening)
    return std::fprintf(stderr, "%s\n", listening.error().message().c_str()), 1;
  if (std::puts("ready") < 0 || std::fflush(stdout) != 0) return std::perror("standard output"), 1;
  return main_loop->run();  // until `quit`, SIGINT, SIGTERM or SIGHUP
}

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <glib.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"

namespace qomio {

// The data of the event TICK, which the tests emit.
struct Tick {
  bool guest = false;
  std::string reason;
  static constexpr std::string_view type_name = "Tick";
  static constexpr auto members = member_list(member("guest", &Tick::guest), member("reason", &Tick::reason));
};

// Collects the messages that are logged during its lifetime.
class LogLines {
 public:
  LogLines() : old_(g_log_set_default_handler(take, this)) {}
  ~LogLines() { g_log_set_default_handler(old_, nullptr); }
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  const std::vector<std::string>& all() const { return lines_; }
  // Expects the line `first`, then `repeated`, whose count may be split over several lines if the test was
  // delayed for seconds.
  void expect(const std::string& first, const std::string& repeated) {
    ASSERT_GE(lines_.size(), 2U);
    EXPECT_LE(lines_.size(), 10U);
    EXPECT_EQ(lines_.front(), first);
    const auto count_in = [](const std::string& line) { return std::stoull(line); };
    std::uint64_t count = 0;
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      count += count_in(lines_[i]);
      EXPECT_EQ(lines_[i].substr(lines_[i].find(' ')), repeated.substr(repeated.find(' ')));
    }
    EXPECT_EQ(count, count_in(repeated));
  }

 private:
  static void take(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* message, gpointer self) {
    static_cast<LogLines*>(self)->lines_.emplace_back(message);
  }
  GLogFunc old_;
  std::vector<std::string> lines_;
};

// A client in the server's thread. Only wait() blocks; the test itself runs the server's loop.
class TestClient {
 public:
  explicit TestClient(int fd) : fd_(fd) { fcntl(fd, F_SETFL, O_NONBLOCK); }
  explicit TestClient(const std::string& path) : TestClient(socket(AF_UNIX, SOCK_STREAM, 0)) {
    connect_to(path);
  }
  TestClient(TestClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}
  ~TestClient() { leave(); }

  bool connect_to(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  void leave() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  void shut_down_sending() { shutdown(fd_, SHUT_WR); }

  // Returns the number of bytes that the socket accepted.
  std::size_t send_some(std::string_view text) {
    const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }

  // Blocks until data has arrived or the server has hung up, so call it in another thread than the server's.
  void wait() const {
    pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
    (void)poll(&entry, 1, -1);
  }
  // Reads everything that has arrived.
  void receive() {
    std::string piece(1 << 16, '\0');
    ssize_t n = 0;
    while ((n = recv(fd_, piece.data(), piece.size(), 0)) > 0)
      buffer_.append(piece, 0, static_cast<std::size_t>(n));
    if (n == 0 || errno != EAGAIN) ended_ = true;
  }
  // Removes and returns the next line, without its line end.
  std::optional<std::string> take_line() {
    const std::size_t end = buffer_.find("\r\n");
    if (end == std::string::npos) return std::nullopt;
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
  }
  bool ended() const { return ended_ && buffer_.empty(); }

 private:
  int fd_;
  bool ended_ = false;
  std::string buffer_;
};

// A server on a socket in a temporary directory. Its loop runs only inside functions such as settle().
class QmpServerTest : public testing::Test {
 protected:
  static constexpr std::size_t kOutputLimit = 1 << 20;
  static constexpr std::string_view kNegotiate = "{'execute':'qmp_capabilities'}";
  static constexpr std::string_view kNegotiateOob =
      "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}";

  QmpServerTest() {
    directory_ = std::filesystem::temp_directory_path() / "qmp-XXXXXX";
    std::string name = directory_.string();
    directory_ = mkdtemp(name.data());
    path_ = directory_ / "sock";
    add_commands();
    start();
    EXPECT_TRUE(server_->listen(path_));
  }
  ~QmpServerTest() override {
    server_.reset();
    g_main_context_unref(context_);
    std::filesystem::remove_all(directory_);
  }

  void start() { server_.emplace(registry_, context_, kOutputLimit); }

  // Runs the loop until it has nothing to do.
  void settle() {
    while (g_main_context_iteration(context_, FALSE)) {
    }
  }
  // Runs the loop and returns the client's next line; empty if none arrives.
  std::string line(TestClient& client) {
    for (bool more = true; more;) {
      client.receive();
      if (auto text = client.take_line()) return *text;
      more = g_main_context_iteration(context_, FALSE);
    }
    client.receive();
    return client.take_line().value_or("");
  }
  std::vector<std::string> lines(TestClient& client) {
    std::vector<std::string> all;
    for (std::string text = line(client); !text.empty(); text = line(client)) all.push_back(text);
    return all;
  }
  void send(TestClient& client, std::string_view text) {
    while (!text.empty()) {
      text.remove_prefix(client.send_some(text));
      if (text.empty()) break;
      ASSERT_TRUE(g_main_context_iteration(context_, FALSE)) << "the server takes no more";
    }
  }
  // Sends the text and returns all lines that arrive for the client.
  std::vector<std::string> ask(TestClient& client, std::string_view text) {
    send(client, text);
    return lines(client);
  }
  // Returns a client that has read the greeting and negotiated capabilities.
  TestClient negotiated(std::string_view how = kNegotiate) {
    TestClient client(path_);
    EXPECT_THAT(line(client), testing::HasSubstr("QMP"));
    EXPECT_THAT(ask(client, how), testing::ElementsAre(R"({"return": {}})"));
    return client;
  }
  static std::string error_line(std::string_view error_class, std::string_view text) {
    return fmt::format(R"({{"error": {{"class": "{}", "desc": "{}"}}}})", error_class, text);
  }

  GMainContext* context_ = g_main_context_new();
  CommandRegistry registry_;
  std::filesystem::path directory_;
  std::string path_;
  int runs_ = 0;  // calls of `work` and `echo`
  std::optional<QmpServer> server_;

 private:
  // Adds `work`, which counts calls, `urgent`, which may run out of band, and `echo`, which repeats a text.
  void add_commands() {
    const auto add = [this](const char* name, bool oob, std::function<Result<Json>(const Json&)> run) {
      Command c = command(name, "for tests", std::move(run));
      c.allow_oob = oob;
      registry_.add(std::move(c));
    };
    add("work", false, [this](const Json& arguments) -> Result<Json> {
      if (!arguments.empty()) return error("Parameter '{}' is unexpected", arguments.begin().key());
      return Json(++runs_);
    });
    add("urgent", true, [](const Json&) -> Result<Json> { return Json("urgent"); });
    add("echo", false, [this](const Json& arguments) -> Result<Json> {
      ++runs_;
      std::string text;
      for (int i = arguments.at("times").get<int>(); i > 0; --i)
        text += arguments.at("text").get<std::string>();
      return Json(std::move(text));
    });
    registry_.add(event<Tick>("TICK", "for tests"));
  }
};

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
// Sends data to a server through a socket. The session must end when the client stops sending, all replies
// must be lines of JSON, and they must not depend on how the bytes are split. The first byte of the input
// selects the size of the pieces.
#include <fcntl.h>
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "../qapi/every_kind.h"
#include "qomio/qapi/json.h"
#include "qomio/qapi/qmp_server.h"
#include "qomio/tests/fuzz/fuzz.h"

namespace qomio::fuzz {
namespace {

Result<sample::EveryKind> echo(const sample::EveryKind& value) { return value; }
Result<void> refuse() { return error("refused"); }

CommandRegistry& offered() {
  static CommandRegistry& commands = [] -> CommandRegistry& {
    static CommandRegistry made;
    made.add(command("echo", "", echo));
    made.add(command("refuse", "", refuse));
    made.add(command("urgent", "", +[] { return Result<void>(); }).oob());
    return made;
  }();
  return commands;
}

class Client {
 public:
  explicit Client(GMainContext* context) : context_(context), server_(offered(), context, kOutputLimitBytes) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "there are sockets");
    fd_ = ends[0];
    fcntl(fd_, F_SETFL, O_NONBLOCK);
    require(server_.add_client(ends[1]).has_value(), "a socket is a client");
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
      if (!run()) require(n > 0, "the server reads on");
    }
  }
  // Stops sending, waits until the session ends, and returns all replies.
  std::vector<std::string> end() {
    shutdown(fd_, SHUT_WR);
    while (!ended_) require(run(), "the session ends");
    require(server_.client_count() == 0, "a session that ended is gone");
    std::vector<std::string> lines;
    while (!received_.empty()) {
      const std::size_t at = received_.find("\r\n");
      require(at != std::string::npos, "replies are lines");
      lines.push_back(received_.substr(0, at));
      received_.erase(0, at + 2);
    }
    return lines;
  }

 private:
  // Small enough that the server sometimes has to wait until the client reads.
  static constexpr std::size_t kOutputLimitBytes = 1 << 12;

  // Runs the server until it is idle, and reads what it sent. Returns false if there was nothing to do.
  bool run() {
    bool did_something = false;
    while (g_main_context_iteration(context_, FALSE)) did_something = true;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = recv(fd_, buffer, sizeof(buffer), 0)) > 0) {
      received_.append(buffer, static_cast<std::size_t>(n));
      did_something = true;
    }
    if (n == 0) ended_ = true;
    return did_something || ended_;
  }

  GMainContext* context_;
  QmpServer server_;
  int fd_ = -1;
  bool ended_ = false;
  std::string received_;
};

std::vector<std::string> replies(GMainContext* context, std::string_view text, std::size_t piece_bytes) {
  Client client(context);
  for (; !text.empty(); text.remove_prefix(std::min(piece_bytes, text.size())))
    client.send(text.substr(0, piece_bytes));
  return client.end();
}

}  // namespace
}  // namespace qomio::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qomio;
  using namespace qomio::fuzz;
  if (size == 0) return 0;
  static GMainContext* const context = g_main_context_new();
  const std::string_view text = as_text(data + 1, size - 1);
  auto whole = replies(context, text, text.size());
  auto cut = replies(context, text, 1 + data[0] % 16U);
  for (const auto& line : whole) {
    const auto value = parse_json(line);
    require(value && value->is_object(), "a reply is an object");
    const int kinds = value->contains("QMP") + value->contains("return") + value->contains("error");
    require(kinds == 1, "of one kind");
  }
  // Out-of-band replies may overtake queued ones, depending on timing. An escaped key may be "exec-oob", too.
  if (text.find("oob") != std::string_view::npos || text.find('\\') != std::string_view::npos) {
    std::ranges::sort(whole);
    std::ranges::sort(cut);
  }
  require(whole == cut, "the replies do not depend on how the bytes arrive");
  return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace qomio::testing {

using Json = nlohmann::ordered_json;

// A temporary folder, which the destructor removes with its contents.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "qomio-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A QMP server with scripted answers. Serves one client at a time, and answers each line of JSON with the
// scripted lines. Set the script before start(), and call requests() after the client has ended.
class FakeServer {
 public:
  // Returns the lines that answer a request. kHangUp instead of a line closes the connection.
  using Answer = std::function<std::vector<std::string>(const Json& request)>;
  static constexpr const char* kHangUp = "hang up";

  std::string greeting =
      R"({"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 0}, "package": "fake"}, "capabilities": []}})";

  // Sets the answer to a command; `value` is JSON text.
  void returns(const std::string& command, const std::string& value) {
    // A message is one line, even if `value` has several.
    const std::string line = Json{{"return", Json::parse(value)}}.dump();
    answers(command, [line](const Json&) { return std::vector<std::string>{line}; });
  }
  void refuses(const std::string& command, const std::string& words) {
    answers(command, [words](const Json&) {
      return std::vector<std::string>{Json{{"error", {{"class", "GenericError"}, {"desc", words}}}}.dump()};
    });
  }
  void answers(const std::string& command, Answer answer) { script_[command] = std::move(answer); }

  void start() {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listener_, 4), 0);
    thread_ = std::thread([this] { serve(); });
  }

  ~FakeServer() {
    if (!thread_.joinable()) return;
    shutdown(listener_, SHUT_RDWR);  // makes accept() return
    thread_.join();
    close(listener_);
  }

  std::string path() const { return folder_.file("qmp"); }

  // Returns all requests except qmp_capabilities, as they were received.
  std::vector<std::string> requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (true) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      serve_client(client);
      close(client);
    }
  }

  void serve_client(int client) {
    if (!greeting.empty()) send_line(client, greeting);
    std::string received;
    while (true) {
      char bytes[4096];
      const ssize_t count = recv(client, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      received.append(bytes, static_cast<std::size_t>(count));
      for (auto end = received.find('\n'); end != std::string::npos; end = received.find('\n')) {
        const std::string line = received.substr(0, end);
        received.erase(0, end + 1);
        for (const auto& answer : answers_to(line)) {
          if (answer == kHangUp) return;
          send_line(client, answer);
        }
      }
    }
  }

  std::vector<std::string> answers_to(const std::string& line) {
    const Json request = Json::parse(line, nullptr, false);
    const std::string command = request.is_object() ? request.value("execute", "") : "";
    if (const auto found = script_.find(command); found != script_.end()) {
      remember(command, line);
      return found->second(request);
    }
    if (command == "qmp_capabilities") return {R"({"return": {}})"};
    remember(command, line);
    const std::string words = "The command " + command + " has not been found";
    return {Json{{"error", {{"class", "CommandNotFound"}, {"desc", words}}}}.dump()};
  }

  void remember(const std::string& command, const std::string& line) {
    if (command == "qmp_capabilities") return;
    const std::scoped_lock lock(mutex_);
    requests_.push_back(line);
  }

  static void send_line(int client, const std::string& line) {
    const std::string text = line + "\r\n";
    (void)send(client, text.data(), text.size(), MSG_NOSIGNAL);
  }

  TemporaryFolder folder_;
  int listener_ = -1;
  std::thread thread_;
  std::map<std::string, Answer> script_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
};

}  // namespace qomio::testing

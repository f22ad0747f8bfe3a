// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "qomio/tests/tools/fake_server.h"
#include "qomio/tests/tools/program.h"

namespace qomio::testing {

// The client as its users see it: words in; exit status, output and the server's view out.
class QomctlTest : public ::testing::Test {
 protected:
  // Starts the scripted server if that has not been done, and runs the client on its socket.
  Ended qomctl(std::vector<std::string> words) {
    if (!started_) server.start();
    started_ = true;
    words.insert(words.begin(), QOMCTL_PROGRAM);
    return run_program(words, {"QOMIO_SOCKET=" + server.path()});
  }

  // As IOThreads are with a real server.
  void script_iothread(const std::string& path) {
    script_[path] = R"([{"name": "type", "type": "string"}, {"name": "poll-max-ns", "type": "int"},
                        {"name": "poll-grow", "type": "int"}])";
    server.answers("qom-list", [this](const Json& request) {
      const auto found = script_.find(request["arguments"]["path"].get<std::string>());
      const Json reply = found != script_.end()
                             ? Json{{"return", Json::parse(found->second)}}
                             : Json{{"error", {{"class", "DeviceNotFound"}, {"desc", "Device not found"}}}};
      return std::vector<std::string>{reply.dump()};
    });
  }

 private:
  std::map<std::string, std::string> script_;
  bool started_ = false;

 protected:
  FakeServer server;  // last: its thread uses the script
};

}  // namespace qomio::testing

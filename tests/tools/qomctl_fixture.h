// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "qomio/tests/tools/fake_server.h"
#include "qomio/tests/tools/program.h"

namespace qomio::testing {

// Runs the client like its users. Tests check its exit status, its output, and the requests in the server.
class QomctlTest : public ::testing::Test {
 protected:
  // Starts the server if it is not running, and runs the client on its socket.
  Ended qomctl(std::vector<std::string> words) {
    if (!started_) server.start();
    started_ = true;
    words.insert(words.begin(), QOMCTL_PROGRAM);
    return run_program(words, {"QOMIO_SOCKET=" + server.path()});
  }

  // Lets the server list the properties of an I/O thread at this path.
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
  FakeServer server;  // last, so destroyed first: its thread uses script_
};

}  // namespace qomio::testing

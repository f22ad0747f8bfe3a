// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/internal/qmp/output.h"

#include <fmt/format.h>

#include <csignal>

#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace output_test {

// Output to a pipe, which the test reads when it chooses, in pieces of any size.
class QmpOutputTest : public testing::Test {
 protected:
  QmpOutputTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
    EXPECT_GT(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
  }
  void send() { EXPECT_TRUE(output_.send_to(writer_.get(), false)); }
  // Returns false if there was nothing to read.
  bool read_some(std::size_t size) {
    std::string piece(size, '\0');
    const ssize_t n = read(reader_.get(), piece.data(), size);
    if (n > 0) text_.append(piece, 0, static_cast<std::size_t>(n));
    return n > 0;
  }
  void read_all() {
    do {
      send();
    } while (read_some(4096));
  }

  static constexpr std::size_t kLimit = 2000;
  FileDescriptor reader_;
  FileDescriptor writer_;
  JsonDisposal disposal_{nullptr};
  QmpOutput output_{kLimit, disposal_};
  std::string text_;
};

TEST_F(QmpOutputTest, what_was_dropped_and_what_is_read_add_up_wherever_the_reader_stops) {
  constexpr int kMessages = 3000;
  std::uint64_t state = 1;
  const auto random = [&state](std::uint64_t bound) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33) % bound;
  };
  int next = 0;
  std::uint64_t replies = 0;
  while (next < kMessages) {
    for (auto n = random(60); n > 0; --n) {
      const std::string filler(random(300), 'x');
      if (random(10) == 0) {
        output_.add_reply(fmt::format(R"({{"return": "{}"}})", filler) + "\r\n");
        ++replies;
      } else {
        output_.add_event(fmt::format(R"({{"number": {}, "x": "{}"}})", next++, filler) + "\r\n");
      }
      if (random(3) != 0) send();
    }
    for (auto n = random(20); n > 0; --n) {
      read_some(1 + random(1000));
      send();
    }
  }
  read_all();

  int expected = 0;
  std::uint64_t dropped = 0;
  std::uint64_t answered = 0;
  bool told = false;
  for (std::size_t begin = 0, end = 0; (end = text_.find("\r\n", begin)) != std::string::npos;
       begin = end + 2) {
    const auto line = parse_json(std::string_view(text_).substr(begin, end - begin));
    ASSERT_TRUE(line) << text_.substr(begin, end - begin);
    if (line->contains("return")) {
      ++answered;
    } else if (line->contains("event")) {
      const auto count = line->at("data").at("count").get<std::uint64_t>();
      EXPECT_GT(count, 0U);
      dropped += count;
      expected += static_cast<int>(count);
      told = true;
    } else {
      EXPECT_EQ(line->at("number"), expected) << "the events that are missing were not told of";
      expected = line->at("number").get<int>() + 1;
    }
  }
  EXPECT_TRUE(told);
  EXPECT_EQ(expected, next) << "those that were dropped last were not told of";
  EXPECT_EQ(answered, replies);
  EXPECT_EQ(output_.take_dropped_events(), dropped);
  EXPECT_EQ(output_.unsent_bytes(), 0U);
}

TEST_F(QmpOutputTest, an_event_larger_than_the_limit_is_sent_when_nothing_else_waits) {
  const auto large = [](int i) {
    return fmt::format(R"({{"number": {}, "x": "{}"}})", i, std::string(6000, 'x')) + "\r\n";
  };
  for (int i = 0; i < 4; ++i) {
    output_.add_event(large(i));
    send();
  }
  while (read_some(4096) && !text_.contains("EVENTS_DROPPED")) send();
  output_.add_event(large(4));
  read_all();
  EXPECT_THAT(text_, testing::StartsWith(R"({"number": 0)"));
  EXPECT_THAT(text_, testing::HasSubstr(R"("event": "EVENTS_DROPPED", "data": {"count": 3}})"));
  EXPECT_THAT(text_, testing::HasSubstr(R"({"number": 4)"));
}

TEST_F(QmpOutputTest, a_large_value_is_written_as_it_is_read_and_events_wait_behind_it) {
  const Json value = Json::array({std::string(1 << 20, 'x'), 1});
  output_.add_reply("{", std::make_unique<JsonPieces>(value, disposal_), "}\r\n");
  output_.add_event("first\r\n");
  output_.add_event("second\r\n");
  send();
  EXPECT_TRUE(output_.over_limit());
  EXPECT_LE(output_.unsent_bytes(), 2 * JsonPieces::kPieceBytes);
  read_all();
  EXPECT_FALSE(output_.over_limit());
  EXPECT_EQ(text_, "{" + json_text(value) + "}\r\nfirst\r\nsecond\r\n");
}

TEST_F(QmpOutputTest, a_reader_that_never_reads_is_owed_one_notice) {
  for (int i = 0; i < 10'000; ++i) {
    output_.add_event(fmt::format("{{\"number\": {}}}\r\n", i));
    send();
    ASSERT_LE(output_.unsent_bytes(), kLimit + 200);
  }
}

// SIGPIPE would end the program.
TEST_F(QmpOutputTest, a_reader_that_has_gone_is_found_out_without_a_signal) {
  std::array<int, 2> sockets{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets.data()), 0);
  const FileDescriptor socket(sockets[0]);
  FileDescriptor(sockets[1]).reset();
  reader_.reset();
  const auto old = std::signal(SIGPIPE, SIG_DFL);
  for (int i = 0; i < 3; ++i) {
    output_.add_reply("{}\r\n");
    EXPECT_FALSE(output_.send_to(socket.get(), true));
    EXPECT_FALSE(output_.send_to(socket.get(), false));
    EXPECT_FALSE(output_.send_to(writer_.get(), false));
  }
  std::signal(SIGPIPE, old);
}

}  // namespace output_test
}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/iothread/buffered_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "qomio/iothread/concurrency.h"
#include "qomio/tests/iothread/running_loop.h"

namespace qomio {
namespace buffered_reader_test {

class BufferedReaderTest : public InLoop {
 protected:
  BufferedReaderTest() : BufferedReaderTest(Socket::pair().value()) {}

  void send(std::string_view text) { EXPECT_TRUE(block_on(peer.send_all(text))); }
  void end() { ASSERT_TRUE(peer.shutdown_send()); }
  // What until('\n') returns; "error: " and the message.
  static std::string line(BufferedReader& reader, Cancellation* cancellation = nullptr) {
    const auto found = block_on(reader.until('\n', cancellation));
    return found ? std::string(*found) : "error: " + found.error().message();
  }
  // What exactly() stores in so many bytes; "error: " and the message.
  static std::string block(BufferedReader& reader, std::size_t size) {
    std::string text(size, ' ');
    const auto filled = block_on(reader.exactly(std::as_writable_bytes(std::span(text))));
    if (!filled) return "error: " + filled.error().message();
    return text.substr(0, *filled);
  }

  Socket peer;
  Socket socket;

 private:
  explicit BufferedReaderTest(std::pair<Socket, Socket> both)
      : peer(std::move(both.first)), socket(std::move(both.second)) {}
};

TEST_F(BufferedReaderTest, returns_lines_with_their_ends_and_then_the_rest) {
  BufferedReader reader(socket);
  send("one\n\ntwo\nthr");
  EXPECT_EQ(line(reader), "one\n");
  EXPECT_EQ(reader.buffered(), 8U);
  EXPECT_EQ(line(reader), "\n");
  EXPECT_EQ(line(reader), "two\n");
  send("ee\nrest");
  EXPECT_EQ(line(reader), "three\n");
  end();
  EXPECT_EQ(line(reader), "rest");
  EXPECT_EQ(line(reader), "");
  EXPECT_EQ(line(reader), "");
}

TEST_F(BufferedReaderTest, refuses_a_line_above_the_limit_and_keeps_it) {
  BufferedReader reader(socket, 8);
  send("1234567\n12345678\nab");
  EXPECT_EQ(line(reader), "1234567\n");
  EXPECT_EQ(line(reader), "error: No delimiter in 8 bytes");
  EXPECT_EQ(line(reader), "error: No delimiter in 8 bytes");
  EXPECT_EQ(block(reader, 9), "12345678\n");
  end();
  EXPECT_EQ(line(reader), "ab");
}

TEST_F(BufferedReaderTest, finds_the_end_of_a_line_that_comes_in_pieces_whatever_the_limit) {
  for (const std::size_t limit : {6U, 7U, 10U, 100U}) {
    auto [from, to] = Socket::pair().value();
    const auto talk = [](Socket& in, Socket& out, std::size_t most) -> Task<> {
      const auto dribble = [](Socket& into) -> Task<> {
        for (const std::string_view part : {"he", "llo", "\nwo", "rld\n"}) {
          (void)co_await into.send_all(part);
          co_await reschedule_self(*AioContext::current());
        }
      };
      const auto read = [](Socket& in_socket, std::size_t size) -> Task<> {
        BufferedReader reader(in_socket, size);
        const auto first = co_await reader.until('\n');
        EXPECT_EQ(first.value(), "hello\n");
        const auto second = co_await reader.until('\n');
        EXPECT_EQ(second.value(), "world\n");
      };
      co_await when_all(dribble(out), read(in, most));
    };
    block_on(talk(from, to, limit));
  }
}

TEST_F(BufferedReaderTest, fills_blocks_smaller_and_larger_than_its_buffer) {
  BufferedReader reader(socket, 8);
  const std::string large(1000, 'x');
  send("headline\nab" + large + "tail");
  EXPECT_EQ(block(reader, 4), "head");
  EXPECT_EQ(block(reader, 0), "");
  EXPECT_EQ(line(reader), "line\n");
  EXPECT_EQ(block(reader, 1002), "ab" + large);
  end();
  EXPECT_EQ(block(reader, 6), "error: The connection ended after 4 of 6 bytes");
  EXPECT_EQ(block(reader, 6), "");
}

TEST_F(BufferedReaderTest, returns_everything_that_came_at_once_without_waiting_for_more) {
  BufferedReader reader(socket);
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += "line\n";
  send(lines);
  const auto read_all = [](BufferedReader& from) -> Task<int> {
    int read = 0;
    for (; read < 40; ++read) {
      const auto found = co_await from.until('\n');
      if (!found || *found != "line\n") break;
    }
    co_return read;
  };
  EXPECT_EQ(block_on(read_all(reader)), 40);
}

TEST_F(BufferedReaderTest, keeps_what_it_has_received_when_a_read_is_cancelled) {
  BufferedReader reader(socket);
  send("half a ");
  Cancellation stop;
  loop->schedule_oneshot([&] { loop->schedule_oneshot([&stop] { stop.cancel(); }); });
  EXPECT_EQ(line(reader, &stop), "error: Cancelled");
  send("line\n");
  EXPECT_EQ(line(reader), "half a line\n");
}

}  // namespace buffered_reader_test
}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/qmp_server.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <thread>
#include "qomio/qapi/json.h"
#include "qomio/tests/qapi/qmp_fixture.h"

namespace qomio {
namespace qmp_server_test {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::string repeated(std::string_view text, int times) {
  std::string all;
  while (times-- > 0) all += text;
  return all;
}

bool is_notice(const std::string& line) { return line.contains(R"("event": "EVENTS_DROPPED")"); }

TEST_F(QmpServerTest, clients_are_served_in_turn) {
  TestClient busy = negotiated();
  TestClient other = negotiated();
  send(busy, repeated("{'execute':'work'}", 1000));
  send(other, "{'execute':'work'}");
  line(other);
  EXPECT_LE(runs_, 2 * 32 + 1) << "two turns of the busy one, at most";
  EXPECT_THAT(lines(busy), SizeIs(1000));
}

TEST_F(QmpServerTest, each_client_negotiates_for_itself) {
  TestClient first = negotiated();
  TestClient second(path_);
  line(second);
  EXPECT_THAT(ask(second, "{'execute':'work'}"),
              ElementsAre(error_line("CommandNotFound",
                                     "Expecting capabilities negotiation with 'qmp_capabilities'")));
  EXPECT_THAT(ask(first, "{'execute':'work'}"), ElementsAre(R"({"return": 1})"));
}

TEST_F(QmpServerTest, several_sockets_are_served) {
  const std::string second_path = directory_ / "second";
  ASSERT_TRUE(server_->listen(second_path));
  TestClient first = negotiated();
  TestClient second(second_path);
  line(second);
  EXPECT_THAT(ask(second, kNegotiate), ElementsAre(R"({"return": {}})"));
  EXPECT_EQ(server_->client_count(), 2U);
}

TEST_F(QmpServerTest, what_clients_are_told_of_is_listed) {
  TestClient client = negotiated();
  const auto names = ask(client, "{'execute':'query-commands'}");
  EXPECT_THAT(names, ElementsAre(HasSubstr(R"("qmp_capabilities")")));
}

// Only kOutputLimit bytes wait, and the kernel buffers some, so most of the hundred replies are not created.
TEST_F(QmpServerTest, a_client_that_does_not_read_stops_being_served_and_others_go_on) {
  TestClient slow = negotiated();
  send(slow, repeated("{'execute':'echo','arguments':{'text':'0123456789','times':10000}}", 100));
  settle();
  EXPECT_LT(runs_, 30);
  const int before = runs_;
  TestClient other = negotiated();
  EXPECT_THAT(ask(other, "{'execute':'work'}"), SizeIs(1));
  EXPECT_EQ(runs_, before + 1);

  const auto replies = lines(slow);
  EXPECT_THAT(replies, SizeIs(100));
  EXPECT_THAT(replies, Each(SizeIs(100'000 + std::string_view(R"({"return": ""})").size())));
}

TEST_F(QmpServerTest, a_client_that_does_not_read_is_not_read_either) {
  TestClient slow = negotiated();
  send(slow, repeated("{'execute':'echo','arguments':{'text':'0123456789','times':1000000}}", 2));
  settle();
  const std::string junk(1 << 16, ' ');
  std::size_t taken = 0;
  for (std::size_t n = 1; n > 0;) {
    taken += n = slow.send_some(junk);
    settle();
  }
  EXPECT_LT(taken, 4U << 20);
}

TEST_F(QmpServerTest, a_client_that_leaves_while_it_does_not_read_is_forgotten) {
  TestClient slow = negotiated();
  send(slow, repeated("{'execute':'echo','arguments':{'text':'0123456789','times':1000000}}", 3));
  settle();
  slow.leave();
  settle();
  EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(QmpServerTest, the_oldest_events_for_a_client_that_does_not_read_are_dropped) {
  TestClient slow = negotiated();
  TestClient other = negotiated();
  const std::string text(10'000, 'x');
  constexpr int kEvents = 1000;
  int heard = 0;
  for (int i = 0; i < kEvents; ++i) {
    registry_.emit("TICK", Tick{.guest = false, .reason = fmt::format("{}:{}", i, text)});
    heard += static_cast<int>(lines(other).size());
  }
  EXPECT_EQ(heard, kEvents);
  auto events = lines(slow);
  EXPECT_LT(events.size(), 200U);
  EXPECT_THAT(events.front(), HasSubstr("\"0:x"));
  EXPECT_THAT(events.back(), HasSubstr("\"999:x"));

  const auto notice = std::ranges::find_if(events, is_notice);
  ASSERT_NE(notice, events.end());
  EXPECT_THAT(*notice,
              testing::MatchesRegex(R"(\{"timestamp": \{"seconds": [0-9]+, "microseconds": [0-9]+\}, )"
                                    R"("event": "EVENTS_DROPPED", "data": \{"count": [0-9]+\}\})"));
  const auto dropped = server_->dropped_event_count();
  EXPECT_EQ(parse_json(*notice)->at("data").at("count"), dropped);
  // The notice stands in the place of the dropped events.
  const auto before = static_cast<std::size_t>(notice - events.begin());
  EXPECT_THAT(*std::next(notice), HasSubstr(fmt::format("\"{}:x", before + dropped)));
  events.erase(notice);
  EXPECT_EQ(std::ranges::count_if(events, is_notice), 0);
  EXPECT_EQ(dropped + events.size(), static_cast<std::size_t>(kEvents));

  // The next notice counts only the events that were dropped since.
  for (int i = 0; i < kEvents; ++i) registry_.emit("TICK", Tick{.guest = true, .reason = text});
  events = lines(slow);
  const auto second = std::ranges::find_if(events, is_notice);
  ASSERT_NE(second, events.end());
  EXPECT_EQ(parse_json(*second)->at("data").at("count"), server_->dropped_event_count() - dropped);
  registry_.emit("TICK", Tick{.guest = true, .reason = "last"});
  EXPECT_THAT(lines(slow), ElementsAre(HasSubstr("last")));
}

// Replies, which are never dropped, use up the whole limit.
TEST_F(QmpServerTest, a_client_whose_events_were_all_dropped_for_replies_is_told_too) {
  TestClient slow = negotiated();
  send(slow, repeated("{'execute':'echo','arguments':{'text':'0123456789','times':100000}}", 5));
  settle();
  for (int i = 0; i < 100; ++i) registry_.emit("TICK", Tick{.guest = false, .reason = "x"});
  const auto all = lines(slow);
  const auto events = std::ranges::count_if(all, [](const auto& text) { return text.contains("TICK"); });
  const auto notice = std::ranges::find_if(all, is_notice);
  ASSERT_NE(notice, all.end());
  EXPECT_EQ(parse_json(*notice)->at("data").at("count"), 100 - events);
  EXPECT_EQ(server_->dropped_event_count(), 100U - static_cast<std::size_t>(events));
}

TEST_F(QmpServerTest, that_events_were_dropped_is_an_event_of_the_schema) {
  const auto event = registry_.events().find("EVENTS_DROPPED");
  ASSERT_NE(event, registry_.events().end());
  EXPECT_EQ(event->second.data().name, "EventsDropped");
}

TEST_F(QmpServerTest, refused_clients_fill_no_log) {
  LogLines log;
  server_->set_client_limit(1);
  TestClient first = negotiated();
  for (int i = 0; i < 100; ++i) {
    const TestClient refused(path_);
    settle();
  }
  server_.reset();
  log.expect("a QMP client was refused: there are 1 already",
             "99 more QMP clients were refused: there were too many");
}

TEST_F(QmpServerTest, clients_that_read_too_slowly_fill_no_log) {
  LogLines log;
  TestClient slow = negotiated();
  const std::string text(100'000, 'x');
  std::vector<std::uint64_t> dropped;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 20; ++i) registry_.emit("TICK", Tick{.guest = false, .reason = text});
    lines(slow);
    dropped.push_back(server_->dropped_event_count());
  }
  const auto count = server_->dropped_event_count();
  server_.reset();
  EXPECT_GT(dropped[1], dropped[0]) << "nothing was dropped again";
  log.expect(
      fmt::format("a QMP client read too slowly: {} events dropped", dropped[0]),
      fmt::format("{} more events were dropped for QMP clients that read too slowly", count - dropped[0]));
}

TEST_F(QmpServerTest, replies_are_not_dropped_for_events) {
  TestClient slow = negotiated();
  send(slow, repeated("{'execute':'echo','arguments':{'text':'0123456789','times':100000},'id':1}", 5));
  settle();
  for (int i = 0; i < 100; ++i) registry_.emit("TICK", Tick{.guest = false, .reason = "x"});
  const auto all = lines(slow);
  EXPECT_EQ(std::ranges::count_if(all, [](const auto& text) { return text.ends_with("\"id\": 1}"); }), 5);
}

TEST_F(QmpServerTest, a_limited_event_comes_once_and_then_the_newest) {
  server_->limit_event_rate("TICK");
  TestClient client = negotiated();
  const std::int64_t begin_us = g_get_monotonic_time();
  for (const char* reason : {"first", "second", "third"})
    registry_.emit("TICK", Tick{.guest = false, .reason = reason});
  const std::int64_t took_us = g_get_monotonic_time() - begin_us;
  std::vector<std::string> all = lines(client);
  while (all.empty() || all.back().find("third") == std::string::npos) {
    g_main_context_iteration(context_, TRUE);
    for (std::string& text : lines(client)) all.push_back(std::move(text));
  }
  if (took_us > 1'000'000) GTEST_SKIP() << "the processor was with others for longer than the period";
  EXPECT_THAT(all, ElementsAre(HasSubstr("first"), HasSubstr("third")));
}

TEST_F(QmpServerTest, a_limited_event_on_request_goes_to_those_who_asked_only) {
  Event event = ::qomio::event<Tick>("TICK", "for tests");
  event.on_request = true;
  registry_.add(std::move(event));
  server_->limit_event_rate("TICK", "reason");
  TestClient listener = negotiated();
  TestClient other = negotiated();
  ask(listener, "{'execute':'subscribe-events','arguments':{'events':['TICK']}}");
  for (int i = 0; i < 2; ++i) registry_.emit("TICK", Tick{.guest = false, .reason = "a b"});
  std::size_t seen = 0;
  while ((seen += lines(listener).size()) < 2) g_main_context_iteration(context_, TRUE);
  EXPECT_EQ(seen, 2);
  EXPECT_THAT(lines(other), IsEmpty());
}

TEST_F(QmpServerTest, a_listener_that_left_unnoticed_does_not_hurt_an_event) {
  TestClient first = negotiated();
  TestClient second = negotiated();
  first.leave();
  registry_.emit("TICK", Json::object());
  EXPECT_THAT(lines(second), SizeIs(1));
  EXPECT_EQ(server_->client_count(), 1U);
}

TEST_F(QmpServerTest, a_value_that_is_too_large_is_one_error_and_its_memory_is_bounded) {
  TestClient client = negotiated();
  send(client, "{'execute':'");
  const std::string junk(1 << 20, 'x');
  for (int i = 0; i < 70; ++i) send(client, junk);
  EXPECT_THAT(ask(client, "'}\n{'execute':'work'}"),
              ElementsAre(error_line("GenericError", "JSON token size limit exceeded"), R"({"return": 1})"));
}

// A server that ends after the command `quit`.
class QmpQuitTest : public QmpServerTest {
 protected:
  QmpQuitTest() {
    registry_.add(command("quit", "", +[] { return Result<void>(); }).last());
  }
  void fill(TestClient& client) {
    send(client, "{'execute':'echo','arguments':{'text':'0123456789','times':300000}}");
    settle();
  }
};

TEST_F(QmpQuitTest, after_the_last_command_nobody_is_answered) {
  TestClient client = negotiated();
  TestClient other = negotiated();
  send(other, "{'execute':'work'}{'execute':'wo");
  EXPECT_THAT(lines(other), ElementsAre(R"({"return": 1})"));
  EXPECT_THAT(ask(client, "{'execute':'quit','id':'bye'}{'execute':'work'}{'execute':'quit'}"),
              ElementsAre(R"({"return": {}, "id": "bye"})"));
  EXPECT_THAT(ask(other, "rk'}{'execute':'work'}"), IsEmpty());
  EXPECT_EQ(runs_, 1);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(QmpQuitTest, with_bad_arguments_nothing_ends) {
  TestClient client = negotiated();
  EXPECT_THAT(ask(client, "{'execute':'quit','arguments':{'x':1}}"),
              ElementsAre(error_line("GenericError", "Parameter 'x' is unexpected")));
  EXPECT_THAT(ask(client, "{'execute':'work'}"), ElementsAre(R"({"return": 1})"));
}

TEST_F(QmpQuitTest, the_end_waits_until_the_replies_have_left) {
  TestClient slow = negotiated();
  fill(slow);
  std::size_t received = 0;
  {
    const std::jthread reader([&] {
      while (!slow.ended()) {
        slow.wait();
        slow.receive();
        if (const auto text = slow.take_line()) received = text->size();
      }
    });
    server_.reset();
  }
  EXPECT_GT(received, 3'000'000U);
}

TEST_F(QmpQuitTest, a_client_that_never_reads_does_not_hold_up_the_end) {
  TestClient slow = negotiated();
  fill(slow);
  server_.reset();
}

// Destroys the server in a forked child, like a child that returns from main().
void end_in_a_child(std::optional<QmpServer>& server) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    server.reset();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

TEST_F(QmpQuitTest, a_forked_child_that_ends_takes_nothing_from_the_server) {
  TestClient client = negotiated();
  TestClient slow = negotiated();
  fill(slow);
  slow.receive();  // makes room in the socket, so that the child could send the rest
  end_in_a_child(server_);
  EXPECT_THAT(ask(client, "{'execute':'work'}"), SizeIs(1));
  TestClient later = negotiated();
  EXPECT_THAT(ask(later, "{'execute':'work'}"), SizeIs(1)) << "its socket file is there";
  EXPECT_THAT(lines(slow), ElementsAre(SizeIs(3'000'000 + std::string_view(R"({"return": ""})").size())))
      << "nothing was sent twice";
}

// A server whose client is a pair of pipes, like standard input and output.
class QmpPipeTest : public QmpServerTest {
 protected:
  QmpPipeTest() {
    EXPECT_EQ(pipe(to_server_), 0);
    EXPECT_EQ(pipe(from_server_), 0);
    flags_ = dup(from_server_[1]);
    fcntl(from_server_[0], F_SETFL, O_NONBLOCK);
    EXPECT_TRUE(server_->add_client(to_server_[0], from_server_[1]));
  }
  ~QmpPipeTest() override {
    close(flags_);
    close(from_server_[0]);
  }
  void say(std::string_view text) {
    EXPECT_EQ(write(to_server_[1], text.data(), text.size()), ssize_t(text.size()));
  }
  std::string hear() {
    settle();
    std::string text(1 << 16, '\0');
    const ssize_t n = read(from_server_[0], text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }
  int to_server_[2];
  int from_server_[2];
  int flags_;  // a copy of from_server_[1], to read the flags of the pipe
};

TEST_F(QmpPipeTest, a_pair_of_pipes_is_a_client_until_its_input_ends) {
  say(std::string(kNegotiate) + "{'execute':'work'}");
  EXPECT_THAT(hear(), AllOf(StartsWith("{\"QMP\""), EndsWith("{\"return\": {}}\r\n{\"return\": 1}\r\n")));
  say("{'execute':'work'}");
  close(to_server_[1]);
  EXPECT_EQ(hear(), "{\"return\": 2}\r\n");
  EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(QmpPipeTest, the_pipe_blocks_again_when_the_client_is_gone) {
  EXPECT_TRUE(fcntl(flags_, F_GETFL) & O_NONBLOCK);
  close(to_server_[1]);
  settle();
  EXPECT_FALSE(fcntl(flags_, F_GETFL) & O_NONBLOCK);
}

TEST_F(QmpPipeTest, the_pipe_stays_as_it_is_when_a_forked_child_ends) {
  end_in_a_child(server_);
  EXPECT_TRUE(fcntl(flags_, F_GETFL) & O_NONBLOCK);
  close(to_server_[1]);
}

TEST_F(QmpPipeTest, a_reader_that_is_gone_ends_the_client_without_a_signal) {
  close(from_server_[0]);
  from_server_[0] = -1;
  close(flags_);
  flags_ = -1;
  say(kNegotiate);
  settle();
  EXPECT_EQ(server_->client_count(), 0U);
  close(to_server_[1]);
}

TEST_F(QmpPipeTest, a_reader_that_is_slow_holds_up_nobody) {
  say(std::string(kNegotiate) + "{'execute':'echo','arguments':{'text':'0123456789','times':100000}}");
  settle();
  TestClient other = negotiated();
  EXPECT_THAT(ask(other, "{'execute':'work'}"), SizeIs(1));
  std::string all;
  for (std::string piece = hear(); !piece.empty(); piece = hear()) all += piece;
  EXPECT_THAT(all, SizeIs(testing::Gt(1'000'000U)));
  close(to_server_[1]);
}

TEST_F(QmpServerTest, a_connected_socket_may_be_handed_over) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ASSERT_TRUE(server_->add_client(pair[0]));
  TestClient client(pair[1]);
  EXPECT_THAT(line(client), StartsWith("{\"QMP\""));
  EXPECT_THAT(ask(client, kNegotiate), ElementsAre(R"({"return": {}})"));
}

TEST_F(QmpServerTest, descriptors_that_are_no_client_are_refused) {
  EXPECT_EQ(server_->add_client(987).error().message(), "descriptor 987: Bad file descriptor");
  const int file = open("/dev/null", O_RDWR);
  EXPECT_FALSE(server_->add_client(file));
  EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(QmpServerTest, the_server_may_go_while_clients_are_there) {
  TestClient client = negotiated();
  server_.reset();
  EXPECT_THAT(lines(client), IsEmpty());
  EXPECT_TRUE(client.ended());
  registry_.emit("TICK", Json::object());
}

}  // namespace qmp_server_test
}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qomio/qapi/session.h"

#include <glib.h>
#include <gmock/gmock.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/json.h"

namespace qomio {
namespace client_session_test {

using testing::ElementsAre;
using testing::IsEmpty;

struct Name {
  std::string name;
  static constexpr std::string_view type_name = "Name";
  static constexpr auto members = member_list(member("name", &Name::name));
};

struct Caller {
  std::uint64_t id = 0;
  static constexpr std::string_view type_name = "Caller";
  static constexpr auto members = member_list(member("id", &Caller::id));
};

struct User {
  std::string name = "nobody";
};

// Notes in a diary that it is destroyed.
struct Guest {
  std::vector<std::string>* diary = nullptr;
  std::string name;
  Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() {
    if (diary) diary->push_back(name);
  }
};
struct LaterGuest : Guest {};

class Desk {
 public:
  Result<Caller> ask(Session& session) { return Caller{session.id() + offset_}; }
  Result<Caller> look(const Name& /*name*/, Session& session) const { return Caller{session.id() + offset_}; }

 private:
  std::uint64_t offset_ = 1000;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    registry.add(command("nothing", "for tests", [] { return Result<void>(); }));
    registry.add(command("enter", "for tests", [](const Name& given, Session& session) -> Result<void> {
                   session.data<User>().name = given.name;
                   session.set_access(given.name == "ann" ? Access::full : Access::read_only);
                   return {};
                 }).query());
    registry.add(command("who", "for tests", [](Session& session) -> Result<Name> {
                   return Name{session.data<User>().name};
                 }).query());
    registry.add(event<Name>("ENTERED", "for tests"));
    registry.add(event("CLOSING", "for tests"));
  }
  // Opens a session whose events are written to `heard`.
  OpenSession open(Access access = Access::full) {
    return registry.open_session(
        {.access = access, .on_event = [this](std::string_view name, const Json& data) {
           heard.push_back(std::string(name) + json_text(data));
         }});
  }
  std::string run(Session& session, std::string_view name, const Json& arguments = Json::object()) const {
    const auto answer = registry.run(name, arguments, session);
    return answer ? json_text(*answer) : answer.error().message();
  }

  CommandRegistry registry;
  std::vector<std::string> heard;
};

TEST_F(SessionTest, a_handler_of_every_form_may_take_it) {
  registry.add(command("a", "", [](Session& session) -> Result<Caller> { return Caller{session.id()}; }));
  registry.add(
      command("b", "", [](const Session& session) -> Result<Caller> { return Caller{session.id()}; }));
  registry.add(
      command("c", "", [](const Name&, Session& session) -> Result<Caller> { return Caller{session.id()}; }));
  registry.add(
      command("d", "", [](Session& session, Answer<Caller> answer) { answer.send(Caller{session.id()}); }));
  registry.add(command("e", "", [](Name, const Session& session, const Answer<Caller>& answer) {
    answer.send(Caller{session.id()});
  }));
  const OpenSession session = open();
  const std::string caller = json_text(to_json(Caller{session->id()}));
  for (const char* name : {"a", "b", "d"}) {
    EXPECT_EQ(run(*session, name), caller) << name;
    EXPECT_EQ(run(*session, name, {{"name", "x"}}), "Parameter 'name' is unexpected");
    EXPECT_TRUE(registry.find_command(name)->arguments().members.empty()) << "it is not an argument";
  }
  for (const char* name : {"c", "e"}) {
    EXPECT_EQ(run(*session, name, {{"name", "x"}}), caller) << name;
    EXPECT_EQ(run(*session, name), "Parameter 'name' is missing");
  }
}

TEST_F(SessionTest, a_method_of_an_object_may_take_it) {
  Desk desk;
  const Desk& seen = desk;
  registry.add(command("ask", "", &Desk::ask, desk));
  registry.add(command("look", "", &Desk::look, seen));
  const OpenSession session = open();
  const std::string caller = json_text(to_json(Caller{session->id() + 1000}));
  EXPECT_EQ(run(*session, "ask"), caller);
  EXPECT_EQ(run(*session, "look", {{"name", "x"}}), caller);
}

TEST_F(SessionTest, has_an_id_of_its_own_the_access_and_the_peer_that_it_was_opened_with) {
  const OpenSession first =
      registry.open_session({.access = Access::read_only, .peer = Peer{.uid = 1, .pid = 2}});
  std::set<std::uint64_t> ids = {first->id()};
  EXPECT_TRUE(first->is_open());
  EXPECT_EQ(first->access(), Access::read_only);
  ASSERT_TRUE(first->peer());
  EXPECT_EQ(first->peer()->uid, 1U);
  EXPECT_EQ(first->peer()->pid, 2);
  EXPECT_TRUE(ids.insert(open()->id()).second);
  const OpenSession third = open();
  EXPECT_TRUE(ids.insert(third->id()).second) << "also after one has ended";
  EXPECT_EQ(third->access(), Access::full);
  EXPECT_FALSE(third->peer());
}

TEST_F(SessionTest, what_a_command_stores_is_found_by_the_next_commands_of_this_session_only) {
  const OpenSession ann = open();
  const OpenSession bob = open();
  EXPECT_EQ(run(*ann, "who"), R"({"name": "nobody"})");
  EXPECT_EQ(run(*ann, "enter", {{"name", "ann"}}), "{}");
  EXPECT_EQ(run(*ann, "who"), R"({"name": "ann"})");
  EXPECT_EQ(run(*bob, "who"), R"({"name": "nobody"})");
}

TEST_F(SessionTest, data_of_different_types_are_different) {
  const OpenSession session = open();
  session->data<User>().name = "ann";
  session->data<std::string>() = "text";
  EXPECT_EQ(session->data<User>().name, "ann");
  EXPECT_EQ(session->data<std::string>(), "text");
}

TEST_F(SessionTest, data_is_destroyed_when_it_closes_the_newest_first_whoever_keeps_it) {
  std::vector<std::string> diary;
  OpenSession session = open();
  const std::shared_ptr<Session> kept = session->shared_from_this();
  session->data<Guest>().diary = &diary;
  session->data<LaterGuest>().diary = &diary;
  session->data<Guest>().name = "first";
  session->data<LaterGuest>().name = "second";
  session.reset();
  EXPECT_THAT(diary, ElementsAre("second", "first"));
  EXPECT_FALSE(kept->is_open());
}

TEST_F(SessionTest, closed_has_new_data_and_gets_no_events) {
  OpenSession session = open();
  const std::shared_ptr<Session> kept = session->shared_from_this();
  session->data<User>().name = "ann";
  session.reset();
  EXPECT_EQ(kept->data<User>().name, "nobody");
  kept->emit("CLOSING");
  EXPECT_THAT(heard, IsEmpty());
}

// Asks for other data and sends an event in its destructor.
struct Leaver {
  Session* session = nullptr;
  std::string* asked = nullptr;
  Leaver() = default;
  Leaver(const Leaver&) = delete;
  Leaver& operator=(const Leaver&) = delete;
  ~Leaver() {
    session->emit("CLOSING");
    *asked = session->data<User>().name;
  }
};

TEST_F(SessionTest, a_destructor_of_data_may_use_it) {
  std::string asked;
  OpenSession session = open();
  session->data<User>().name = "ann";
  session->data<Leaver>().session = session.get();
  session->data<Leaver>().asked = &asked;
  session.reset();
  EXPECT_EQ(asked, "ann") << "older data is still there";
  EXPECT_THAT(heard, IsEmpty()) << "the client has left";
}

TEST_F(SessionTest, access_that_a_command_sets_applies_to_the_next) {
  const OpenSession session = open(Access::read_only);
  EXPECT_EQ(run(*session, "nothing"), "The command nothing is not allowed: access is read-only");
  EXPECT_EQ(run(*session, "enter", {{"name", "ann"}}), "{}");
  EXPECT_EQ(run(*session, "nothing"), "{}");
  EXPECT_EQ(run(*session, "enter", {{"name", "bob"}}), "{}");
  EXPECT_EQ(run(*session, "nothing"), "The command nothing is not allowed: access is read-only");
}

TEST_F(SessionTest, an_event_for_it_reaches_nobody_else) {
  int others = 0;
  const auto listening = registry.listen([&](std::string_view, const Json&) { ++others; });
  const OpenSession other =
      registry.open_session({.on_event = [&](std::string_view, const Json&) { ++others; }});
  const OpenSession session = open();
  session->emit("ENTERED", Name{"ann"});
  session->emit("ENTERED", Json{{"name", "bob"}});
  session->emit("CLOSING");
  EXPECT_THAT(heard, ElementsAre(R"(ENTERED{"name": "ann"})", R"(ENTERED{"name": "bob"})", "CLOSING{}"));
  EXPECT_EQ(others, 0);
  const OpenSession deaf = registry.open_session();
  deaf->emit("CLOSING");
}

TEST_F(SessionTest, an_event_that_the_policy_hides_is_not_sent_to_it_either) {
  Event old = event<Name>("ENTERED", "for tests");
  old.features = {"deprecated"};
  registry.add(std::move(old));
  registry.set_compat({.deprecated_output = CompatOutput::hide});
  const OpenSession session = open();
  session->emit("ENTERED", Name{"ann"});
  EXPECT_THAT(heard, IsEmpty());
}

TEST_F(SessionTest, an_event_for_it_that_was_not_added_aborts) {
  const OpenSession session = open();
  EXPECT_DEATH(session->emit("NOPE"), "the event 'NOPE' was not added to the registry before it was sent");
  EXPECT_DEATH(session->emit("CLOSING", Json("text")), "the data of an event is an object");
}

TEST_F(SessionTest, events_of_another_thread_are_sent_in_their_order_while_it_is_open) {
  OpenSession session = open();
  OpenSession leaves = open();
  const auto all = registry.listen(
      [this](std::string_view name, const Json&) { heard.push_back("all " + std::string(name)); });
  std::thread([&] {
    session->emit("ENTERED", Name{"ann"});
    registry.emit("CLOSING");
    leaves->emit("CLOSING");
    session->emit("CLOSING");
  }).join();
  EXPECT_THAT(heard, IsEmpty());
  leaves.reset();
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  EXPECT_THAT(heard, ElementsAre(R"(ENTERED{"name": "ann"})", "all CLOSING", "CLOSING{}"));
}

TEST_F(SessionTest, the_receiver_of_an_event_may_close_it) {
  OpenSession session;
  session =
      registry.open_session({.on_event = [&, text = std::string(64, 'x')](std::string_view, const Json&) {
        session.reset();
        heard.push_back(text);  // the capture must still exist
      }});
  session->emit("CLOSING");
  EXPECT_THAT(heard, ElementsAre(std::string(64, 'x')));
}

TEST_F(SessionTest, a_command_that_is_run_without_one_has_full_access_in_one_that_then_closes) {
  std::shared_ptr<Session> kept;
  registry.add(command("keep", "", [&](Session& session) -> Result<void> {
    EXPECT_TRUE(session.is_open());
    EXPECT_EQ(session.access(), Access::full);
    EXPECT_FALSE(session.peer());
    kept = session.shared_from_this();
    return {};
  }));
  EXPECT_TRUE(registry.run("keep", Json::object()));
  EXPECT_FALSE(kept->is_open());
}

TEST_F(SessionTest, another_thread_that_asks_for_data_aborts) {
  const OpenSession session = open();
  EXPECT_DEATH(std::thread([&] { session->data<User>(); }).join(),
               "Session::data\\(\\) is called in another thread than the main one");
}

}  // namespace client_session_test
}  // namespace qomio

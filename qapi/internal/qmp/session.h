// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/internal/json/parser.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/internal/qmp/output.h"
#include "qomio/qapi/internal/qmp/request.h"

namespace qomio {

// What a session needs of its server.
struct QmpSessionHost {
  pid_t process;  // the clients are its own: one that it forks does nothing to them
  GMainContext* context;
  CommandRegistry& registry;
  JsonDisposal& disposal;
  std::size_t output_limit_bytes;
  std::function<void(class QmpSession&)> closed;  // destroys the session
  std::function<void()> ended;                    // the reply of a command that ends the server is on its way
  std::function<void(std::uint64_t)> events_dropped;  // how many more
  std::function<void(std::string_view)> failed;       // what the session ends by, when it isn't the client
};

// One client, from its greeting to its end: reads requests, runs them in order, sends replies and events.
//
// The work is cut into turns: one read of at most 64 KiB, of which 16 KiB are parsed at a time, and at most
// 32 requests; no more is begun once 50 µs are over. A large value, which is read and may have to be sent
// back, is built, written and freed in pieces. What a command does is one piece. Between turns the loop
// serves the others. At most 8 requests wait with oob enabled, one without; then nothing is read. While more
// than the limit is unsent, nothing is read or run.
//
// A client that shuts down its sending side gets the replies to all that it sent; one that leaves altogether
// has the requests that wait dropped, and the command that runs cancelled.
class QmpSession {
 public:
  // A socket is both descriptors, given as `in`. For a pair, `out` is set to be non-blocking until the end.
  QmpSession(QmpSessionHost& host, FileDescriptor in, FileDescriptor out, Access access);
  ~QmpSession();
  QmpSession(const QmpSession&) = delete;
  QmpSession& operator=(const QmpSession&) = delete;

  int in_fd() const { return in_.get(); }
  int out_fd() const { return out_ ? out_.get() : in_.get(); }
  Access access() const { return access_; }

  // Has the client negotiated, and asked for the event, if it has a name to ask for?
  bool wants_event(std::string_view requested_as) const;
  // Sends the line, if it wants it.
  void send_event(const std::string& line, std::string_view requested_as = {});

  // Takes no further requests; what is unsent goes out still.
  void stop();
  // Waits until what is unsent has gone out, or until that time of the monotonic clock. For the end.
  void send_rest(std::int64_t deadline_us);

 private:
  struct Running;
  struct Arrival;
  struct Waiting {
    QmpRequest request;
    bool is_large;
  };

  bool is_socket() const { return !out_; }
  std::size_t most_waiting() const;

  void turn();
  bool serve();
  bool has_unsent() const { return output_.unsent_bytes() > 0 && !broken_; }
  bool hung_up() const;
  void read_input();
  void answer_some();
  void parse_input(int& left, std::int64_t end_us);
  void dispose_of(QmpRequest& request);
  void answer(Waiting waiting);
  void dispatch(QmpRequest& request, bool is_large);
  void start(const Command& command, QmpRequest& request, bool is_large);
  void finish_running(const Result<Json>& result);
  void cancel_running();
  void give_up_requests();
  void finish(QmpRequest& request, const Result<Json>& result, bool is_large);
  Result<Json> subscribe(const QmpRequest& request);
  Result<Json> negotiate(const QmpRequest& request);
  void send_output();
  void report_dropped_events();
  void update_watches();

  QmpSessionHost& host_;
  const Access access_;
  FileDescriptor in_;
  FileDescriptor out_;
  int old_out_flags_ = 0;
  FdSource source_;
  FdSource::Watch in_watch_;
  FdSource::Watch out_watch_;
  std::unique_ptr<char[]> buffer_;
  std::string_view input_;                     // what of the buffer is not parsed yet
  JsonParser parser_{LargeNumbers::infinite};  // an error of the parameter, as in QEMU
  std::deque<Waiting> waiting_;
  std::shared_ptr<Running> running_;  // whose answer comes later; the next one waits for it
  QmpOutput output_;
  std::set<std::string, std::less<>> requested_events_;
  bool negotiated_ = false;
  bool oob_enabled_ = false;
  bool in_turn_ = false;
  bool input_ended_ = false;
  bool stopped_ = false;
  bool broken_ = false;  // nobody reads the output
};

}  // namespace qomio

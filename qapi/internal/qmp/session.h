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
#include "qomio/qapi/session.h"

namespace qomio {

// What a session needs from its server.
struct QmpSessionHost {
  pid_t process;  // owns the clients; a forked child leaves them alone
  GMainContext* context;
  CommandRegistry& registry;
  JsonDisposal& disposal;
  std::size_t output_limit_bytes;
  std::function<void(class QmpSession&)> closed;      // destroys the session
  std::function<void()> ended;                        // a command that ends the server has succeeded
  std::function<void(std::uint64_t)> events_dropped;  // number of newly dropped events
  std::function<void(std::string_view)> failed;       // why the session ends, if not because of the client
};

// One client, from its greeting to its end: reads requests, runs them in order, sends replies and events.
//
// The work is divided into turns, between which the loop serves other clients. A turn reads once, at most
// 64 KiB, parses at most 16 KiB at a time, and answers at most 32 requests; after 50 µs it starts no more of
// them. A large value is read, sent back and freed in pieces, but a command always runs in one piece. At most
// 8 requests wait with oob enabled, one without; while so many wait, nothing is read. While more than the
// limit is unsent, nothing is read or run.
//
// A client that shuts down its sending side gets the replies to all its requests. If a client disconnects,
// its waiting requests are dropped and its running command is cancelled.
class QmpSession {
 public:
  // A socket is passed as `in` and used in both directions. In a pair, `out` is non-blocking until the
  // session ends.
  QmpSession(QmpSessionHost& host, FileDescriptor in, FileDescriptor out, Access access);
  ~QmpSession();
  QmpSession(const QmpSession&) = delete;
  QmpSession& operator=(const QmpSession&) = delete;

  int in_fd() const { return in_.get(); }
  int out_fd() const { return out_ ? out_.get() : in_.get(); }
  Access access() const { return session_->access(); }

  // Returns true if the client has negotiated and, unless requested_as is empty, has subscribed to this
  // event.
  bool wants_event(std::string_view requested_as) const;
  // Sends the line if the client wants it.
  void send_event(const std::string& line, std::string_view requested_as = {});

  // Takes no further requests; unsent output is still sent.
  void stop();
  // Blocks until the unsent output has been sent, or until this time of the monotonic clock. Used at the end.
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
  FileDescriptor in_;
  FileDescriptor out_;
  int old_out_flags_ = 0;
  FdSource source_;
  FdSource::Watch in_watch_;
  FdSource::Watch out_watch_;
  std::unique_ptr<char[]> buffer_;
  std::string_view input_;                     // the part of the buffer that is not parsed yet
  JsonParser parser_{LargeNumbers::infinite};  // the reader of the parameter refuses them, as in QEMU
  std::deque<Waiting> waiting_;
  std::shared_ptr<Running> running_;  // the command that answers later; the next one waits for it
  QmpOutput output_;
  OpenSession session_;  // what commands see
  std::set<std::string, std::less<>> requested_events_;
  bool negotiated_ = false;
  bool oob_enabled_ = false;
  bool in_turn_ = false;
  bool input_ended_ = false;
  bool stopped_ = false;
  bool broken_ = false;  // output cannot be sent; the session ends
};

}  // namespace qomio

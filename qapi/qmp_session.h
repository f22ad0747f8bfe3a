// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "qomio/qapi/fd_source.h"
#include "qomio/qapi/file_descriptor.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/json_parser.h"
#include "qomio/qapi/qmp_output.h"
#include "qomio/qapi/qmp_request.h"

namespace qomio {

// What a session needs of its server.
struct QmpSessionHost {
  GMainContext* context;
  Interface& interface;
  std::size_t output_limit_bytes;
  std::function<void(class QmpSession&)> closed;  // destroys the session
  std::function<void()> ended;                    // the reply of a command that ends the server is on its way
  std::function<void(std::uint64_t)> events_dropped;  // how many more
};

// One client, from its greeting to its end: reads requests, runs them in order, sends replies and events.
//
// The work is cut into turns: one read of at most 64 KiB, and at most 32 requests, none more once 50 µs are
// over. Between turns the loop serves the others. At most 8 requests wait with oob enabled, one without; then
// nothing is read. While more than the limit is unsent, nothing is read or run.
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

  int out_fd() const { return out_ ? out_.get() : in_.get(); }
  bool is_socket() const { return !out_; }
  std::size_t most_waiting() const;

  void turn();
  bool serve();
  bool has_unsent() const { return output_.unsent_bytes() > 0 && !broken_; }
  bool hung_up() const;
  void read_input();
  void answer_some();
  void parse_input(int& left);
  void answer(QmpRequest request);
  void start(const Command& command, QmpRequest request);
  void finish_running(const Result<Json>& result);
  void cancel_running();
  void finish(const QmpRequest& request, const Result<Json>& result);
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
  std::deque<QmpRequest> waiting_;
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

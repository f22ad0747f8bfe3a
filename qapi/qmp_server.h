// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "qomio/qapi/error.h"
#include "qomio/qapi/interface.h"
#include "qomio/qapi/internal/qmp/g_source.h"
#include "qomio/qapi/internal/qmp/listener.h"
#include "qomio/qapi/internal/qmp/session.h"
#include "qomio/qapi/internal/qmp/throttle.h"
#include "qomio/qapi/internal/repeated_message.h"

namespace qomio {

// Offers an Interface to clients that speak QMP, many at once, on any number of sockets:
//
//     QmpServer server(nullptr);  // the default GMainContext
//     if (auto r = server.listen("/run/qomio.sock"); !r) ...
//
// Clients are served in turn and each strictly in order; out-of-band commands overtake. Events of the
// interface go to all clients that have negotiated. What waits to be sent to a client is bounded: over the
// limit nothing more is read from it or run for it, and the oldest events for it are dropped; others go on.
// Before the next event that it gets it hears how many, by the event EVENTS_DROPPED. At most 8 of its
// commands wait (one without oob), one that answers later runs; the rest stays in its socket. Over the limit
// of clients the next is hung up on. What clients can cause is not logged line by line; see RepeatedMessage.
//
// After a command that ends the server (quit) no client is taken, and no request of any.
//
// Owns its sockets, their files and the connections. Thread: the one that runs the context. It must not be
// destroyed by a command or by what it calls.
class QmpServer {
 public:
  static constexpr std::size_t kDefaultOutputLimitBytes = 1 << 20;
  static constexpr std::size_t kDefaultClientLimit = 1000;

  explicit QmpServer(GMainContext* context, Interface& interface = Interface::process(),
                     std::size_t output_limit_bytes = kDefaultOutputLimitBytes);
  // Sends pending output, for a second at most, and removes the socket files that this server made. In a
  // forked child it does neither: the parent goes on serving.
  ~QmpServer();
  QmpServer(const QmpServer&) = delete;
  QmpServer& operator=(const QmpServer&) = delete;

  // Makes a Unix socket, mode 0600, and takes clients there. A live socket is not taken over, nor is another
  // kind of file touched; a dead socket is replaced. Clients of other users than root and the program's own
  // are refused. Errors: as UnixListener::open().
  Result<void> listen(const std::string& path, Access access = Access::full);

  // Serves a socket that is there already: clients that connect to it, as above, if it listens, else the one
  // that it is connected to, whoever it is. The server owns the descriptor from now on, and keeps programs
  // that the process starts from inheriting it. Errors: no Unix stream socket; one that is served already, as
  // this descriptor or as another, and stays so.
  Result<void> serve(int socket_fd, Access access = Access::full);
  // Serves one client, such as on standard input and output. The server owns the descriptors from now on.
  // Errors: as serve().
  Result<void> add_client(int socket_fd, Access access = Access::full);
  Result<void> add_client(int in_fd, int out_fd, Access access = Access::full);

  // Sends the event at most once a second: the first at once, then the newest of those that came in the
  // meantime. With a key each value of that member of its data is counted by itself.
  void limit_event_rate(std::string name, std::string key = {});

  // For clients that connect from now on; those that were handed over count, but are always taken.
  void set_client_limit(std::size_t limit) { client_limit_ = limit; }
  std::size_t client_count() const { return sessions_.size(); }
  std::uint64_t dropped_event_count() const { return dropped_events_; }

 private:
  Result<void> take_over(int fd) const;
  Result<void> add_session(FileDescriptor in, FileDescriptor out, Access access);
  UnixListener::OnConnection adder(Access access);
  void close_session(const QmpSession& session);
  void send_event(std::string_view name, const Json& data);
  std::string_view requested_as(std::string_view event) const;
  bool is_event_wanted(std::string_view name) const;
  void send_event_line(std::string_view name, const std::string& line);
  void send_delayed_events();
  void note_dropped_events(std::uint64_t count);
  void send_rest();
  void stop();

  RepeatedMessage too_many_clients_;
  RepeatedMessage failed_clients_;
  RepeatedMessage slow_clients_;
  JsonDisposal disposal_;
  QmpSessionHost host_;
  std::uint64_t dropped_events_ = 0;
  struct Listener {
    std::unique_ptr<UnixListener> listener;
    Access access;
  };
  std::vector<Listener> listeners_;
  std::list<std::unique_ptr<QmpSession>> sessions_;
  std::shared_ptr<void> event_subscription_;
  EventThrottle throttle_;
  std::unique_ptr<FdSource> delayed_events_;  // made with the first limit
  std::size_t client_limit_ = kDefaultClientLimit;
  bool stopped_ = false;
};

}  // namespace qomio

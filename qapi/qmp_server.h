// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "qomio/qapi/command.h"
#include "qomio/qapi/command_registry.h"
#include "qomio/qapi/error.h"

typedef struct _GMainContext GMainContext;

namespace qomio {

// Adds qmp_capabilities, subscribe-events, EVENTS_DROPPED and the commands of qapi/introspection.h. Each
// QmpServer does this for the registry that it serves; a second call is harmless.
void add_qmp_commands(CommandRegistry& commands);

// Serves the commands of a registry to QMP clients, many at once, on any number of sockets:
//
//     QmpServer server(commands);
//     if (auto r = server.listen("/run/qomio.sock"); !r) ...
//
// Clients are served in turn, and the requests of each strictly in order; only out-of-band commands overtake
// others. Up to 8 requests of a client wait (one without oob) while a command that answers later runs; the
// rest stays in its socket. Events of the registry are sent to all clients that have negotiated.
//
// The output that waits for a client is limited. Over the limit, nothing more is read from this client or run
// for it, and its oldest events are dropped; other clients are not affected. Before its next event, the
// client gets the event EVENTS_DROPPED with the number of dropped events. Connections over the limit of
// clients are closed. Messages that clients can cause repeatedly are logged once, then counted.
//
// Each client has a Session, which commands see (qapi/session.h). The Access that is passed below is what
// clients may do at first; a command can change it.
//
// After a command that ends the server (quit), no clients and no requests are accepted.
//
// Owns its sockets, their files and the connections. Thread: the one that runs the context. It must not be
// destroyed by a command or by a function that a command calls.
class QmpServer {
 public:
  static constexpr std::size_t kDefaultOutputLimitBytes = 1 << 20;
  static constexpr std::size_t kDefaultClientLimit = 1000;

  // The caller runs the context; null selects the default one. The registry must outlive the server.
  explicit QmpServer(CommandRegistry& commands, GMainContext* context = nullptr,
                     std::size_t output_limit_bytes = kDefaultOutputLimitBytes);
  // Sends pending output, for at most one second, and removes the socket files that this server created. In a
  // forked child it does neither, since the parent still serves the clients.
  ~QmpServer();
  QmpServer(const QmpServer&) = delete;
  QmpServer& operator=(const QmpServer&) = delete;

  // Creates a Unix socket with mode 0600 and accepts clients there. A socket in use is not taken over, and
  // other kinds of files are not touched; a dead socket is replaced. Clients of users other than root and the
  // program's own are refused. Errors: the path is too long, is used by another server or is another kind of
  // file; system errors.
  Result<void> listen(const std::string& path, Access access = Access::full);

  // Serves an existing socket. If it listens, clients that connect to it are accepted as above; otherwise the
  // client that it is connected to is served, whatever its user. The server owns the descriptor from now on
  // and sets close-on-exec, so that programs started by this process do not inherit it. Errors: it is not a
  // stream socket, or listens and is not a Unix socket; it is served already, under this or another
  // descriptor number, and stays so.
  Result<void> serve(int socket_fd, Access access = Access::full);
  // Serves one client, for example on standard input and output. The server owns the descriptors from now on.
  // Errors: see serve().
  Result<void> add_client(int socket_fd, Access access = Access::full);
  Result<void> add_client(int in_fd, int out_fd, Access access = Access::full);

  // Sends the event at most once a second: the first at once, then the newest of the events since. With a
  // key, the limit applies separately to each value of that member of the event's data.
  void limit_event_rate(std::string name, std::string key = {});

  // Applies to clients that connect from now on. Clients passed to serve() and add_client() are counted, but
  // never refused.
  void set_client_limit(std::size_t limit);
  std::size_t client_count() const;
  std::uint64_t dropped_event_count() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace qomio

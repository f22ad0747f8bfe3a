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

// Offers the commands of a registry to clients that speak QMP, many at once, on any number of sockets:
//
//     QmpServer server(commands);
//     if (auto r = server.listen("/run/qomio.sock"); !r) ...
//
// Clients are served in turn and each strictly in order; out-of-band commands overtake. Events of the
// registry go to all clients that have negotiated. What waits to be sent to a client is bounded: over the
// limit nothing more is read from it or run for it, and the oldest events for it are dropped; others go on.
// Before the next event that it gets it hears how many, by the event EVENTS_DROPPED. At most 8 of its
// commands wait (one without oob), one that answers later runs; the rest stays in its socket. Over the limit
// of clients the next is hung up on. Messages that clients can cause again and again are logged once, then
// counted.
//
// After a command that ends the server (quit) no client is taken, and no request of any.
//
// Owns its sockets, their files and the connections. Thread: the one that runs the context. It must not be
// destroyed by a command or by what it calls.
class QmpServer {
 public:
  static constexpr std::size_t kDefaultOutputLimitBytes = 1 << 20;
  static constexpr std::size_t kDefaultClientLimit = 1000;

  // The context is one that the caller runs; null is the default one. The registry must outlive the server.
  explicit QmpServer(CommandRegistry& commands, GMainContext* context = nullptr,
                     std::size_t output_limit_bytes = kDefaultOutputLimitBytes);
  // Sends pending output, for a second at most, and removes the socket files that this server made. In a
  // forked child it does neither: the parent goes on serving.
  ~QmpServer();
  QmpServer(const QmpServer&) = delete;
  QmpServer& operator=(const QmpServer&) = delete;

  // Makes a Unix socket, mode 0600, and takes clients there. A live socket is not taken over, nor is another
  // kind of file touched; a dead socket is replaced. Clients of other users than root and the program's own
  // are refused. Errors: the path is too long, is used by another
  // server or is another kind of file; the system's.
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
  void set_client_limit(std::size_t limit);
  std::size_t client_count() const;
  std::uint64_t dropped_event_count() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/socket.h>

#include <optional>

#include "qomio/qapi/error.h"

// What the kernel knows about the socket of a descriptor.
namespace qomio::internal {

// Returns the value of a numeric option of the level SOL_SOCKET; -1 on failure, with errno set, for example
// if fd is not a socket.
int socket_option(int fd, int name);

// Returns the process at the other end of a Unix socket; nullopt on failure, with errno set.
std::optional<ucred> socket_peer(int fd);

// Makes a descriptor of another program non-blocking and close-on-exec. Errors: "descriptor 7: <reason>".
Result<void> make_nonblocking(int fd);

}  // namespace qomio::internal

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "qomio/qapi/error.h"

// Standard input, output and error of a program, which may be closed, full, or read by nobody.
namespace qomio {

// The streams that were closed when the program started.
struct ClosedStreams {
  bool input = false;
  bool output = false;
  bool error = false;
};

// For the first line of main(). Opens /dev/null in place of each of descriptors 0, 1 and 2 that is closed:
// otherwise the next socket or file of the program would get that number, and with it what is printed.
// Reading such an input ends at once, writing to such an output fails, and what goes to such an error stream
// is lost. Also ignores SIGPIPE, so that a write to a stream that nobody reads fails instead of ending the
// program. Errors: /dev/null cannot be opened.
Result<ClosedStreams> prepare_standard_streams();

enum class Printed { all, reader_gone };

// Writes the whole text to standard output, and waits while the reader is slow. `reader_gone` tells that the
// other end of the pipe is closed, as with `| head -1`: no reason for a message. Errors: `cannot write to
// standard output: No space left on device`.
Result<Printed> print_output(std::string_view text);

// Writes a message to standard error. What cannot be written is lost, since there is nowhere to say so.
void print_error(std::string_view text);

}  // namespace qomio

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "qomio/qapi/error.h"

// Standard input, output and error of a program, which may be closed, full or without a reader.
namespace qomio {

// The streams that were closed when the program started.
struct ClosedStreams {
  bool input = false;
  bool output = false;
  bool error = false;
};

// Call it first in main(). Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed; otherwise
// the next socket or file of the program would get that number and receive what the program prints. Reading
// such an input returns end of file, writing to such an output fails, and text for such an error stream is
// lost. Also ignores SIGPIPE, so that writing to a stream without a reader fails instead of ending the
// program. Errors: /dev/null cannot be opened.
Result<ClosedStreams> prepare_standard_streams();

enum class Printed { all, reader_gone };

// Writes the whole text to standard output; blocks while the reader is slow. Returns `reader_gone` if the
// other end of the pipe is closed, as with `| head -1`, which is no reason for a message. Errors:
// `cannot write to standard output: No space left on device`.
Result<Printed> print_output(std::string_view text);

// Writes a message to standard error. Text that cannot be written is lost, since there is nowhere to report
// it.
void print_error(std::string_view text);

}  // namespace qomio

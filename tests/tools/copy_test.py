# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: copy_test.py COPY

Checks that examples/loops/copy.cc copies files of all sizes, and that SIGINT cancels a copy."""
import os
import signal
import subprocess
import sys
import tempfile

copy = sys.argv[1]
with tempfile.TemporaryDirectory() as directory:
    source, target = os.path.join(directory, "from"), os.path.join(directory, "to")
    for size in (0, 1, 65535, 65536, 65537, 262144, 262145, 20_000_000):
        with open(source, "wb") as file:
            file.write(os.urandom(size))
        done = subprocess.run([copy, source, target], stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout == f"{size} bytes\n", done
        with open(source, "rb") as one, open(target, "rb") as other:
            assert one.read() == other.read(), f"{size} bytes differ"

    os.truncate(source, 1 << 40)  # a hole that takes minutes to read
    with subprocess.Popen([copy, source, "/dev/null"], stderr=subprocess.PIPE, text=True) as copying:
        try:
            assert copying.stderr.readline().startswith("copying ")  # it handles the signal from now on
            copying.send_signal(signal.SIGINT)
            assert copying.stderr.read() == "Cancelled\n"
            assert copying.wait(60) == 1
        finally:
            copying.kill()

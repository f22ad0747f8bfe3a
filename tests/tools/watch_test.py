# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: watch_test.py WATCH

Checks that examples/gio reports files that come and go."""
import os
import signal
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as directory:
    with subprocess.Popen([sys.argv[1], directory], stdout=subprocess.PIPE, text=True) as watch:
        try:
            assert watch.stdout.readline() == "watching\n"
            path = os.path.join(directory, "news")
            with open(path, "w", encoding="utf-8"):
                pass
            assert watch.stdout.readline() == "news created in thread watcher\n"
            os.remove(path)
            assert watch.stdout.readline() == "news deleted in thread watcher\n"
            watch.send_signal(signal.SIGTERM)
            assert watch.stdout.read().endswith(" seconds\n")
            assert watch.wait(60) == 0
        finally:
            watch.kill()

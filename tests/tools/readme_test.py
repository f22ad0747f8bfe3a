# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: readme_test.py README EMBED_SOURCE PROGRAMS

Checks that the example contains the code (```cpp) of the README, and that its commands (```sh) of qomiod and qomctl
work as they are written, one block after the other, with the folder of the programs in PATH.
"""
import os
import re
import subprocess
import sys
import tempfile

from tutorial_test import lines, stands_in

readme, source, programs = sys.argv[1:]
blocks = re.findall(r"^```(\w*)\n(.*?)^```$", open(readme, encoding="utf-8").read(), re.M | re.S)
code = [text for kind, text in blocks if kind == "cpp"]
commands = [text for kind, text in blocks if kind == "sh" and re.match(r"(export|qomiod|qomctl)\b", text)]
if not code or len(commands) < 2:
    sys.exit(f"{readme} has no code or no commands")
source_lines = lines(open(source, encoding="utf-8").read())
for part in code:
    if not stands_in(lines(part), source_lines):
        sys.exit(f"this code is not in {source}:\n{part}")
# The README starts the daemon in the background; the client ends it.
script = "set -eux\n" + commands[0] + "export QOMIO_SOCKET=qmp.sock\nqomctl --wait query-version\n"
script += "".join(commands[1:]) + "qomctl quit\nwait\n"
with tempfile.TemporaryDirectory() as directory:
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=directory, env=environment, timeout=60, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if done.returncode != 0:
    sys.exit(done.stdout)

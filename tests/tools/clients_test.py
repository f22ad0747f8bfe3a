# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: clients_test.py QOMIOD INTERPRETER QUERY

Checks that the example client runs a command, and reports what goes wrong."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

qomiod, *client = sys.argv[1:]
if not shutil.which(client[0]):
    sys.exit(77)


def query(*words):
    done = subprocess.run([*client, *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listening:
    path = os.path.join(directory, "qmp.sock")
    listening.bind(path)
    listening.listen()
    with subprocess.Popen([qomiod, "--qmp", f"fd:{listening.fileno()}", "--object", "iothread,id=io0"],
                          pass_fds=[listening.fileno()]) as daemon:
        try:
            status, out, _ = query(path, "query-iothreads")
            assert status == 0 and json.loads(out)[0]["id"] == "io0", out
            status, out, _ = query(path, "qom-get", '{"path": "/objects/io0", "property": "poll-max-ns"}')
            assert status == 0 and json.loads(out) == 32768, out
            status, _, err = query(path, "qom-get", '{"path": "/objects/none", "property": "x"}')
            assert status == 1 and err == "DeviceNotFound: Device '/objects/none' not found\n", err
            status, _, err = query(path, "query-nothing")
            assert status == 1 and err.startswith("CommandNotFound: "), err
            status, out, _ = query(path, "quit")
            assert status == 0 and json.loads(out) == {}, out
            assert daemon.wait(60) == 0
        finally:
            daemon.kill()
    listening.close()
    status, _, err = query(path, "query-version")
    assert status == 1 and err.strip(), "there is no server"

# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: echod_test.py ECHOD QOMCTL

Checks that the servers of examples/server echo, count, disconnect idle clients and can be deleted over QMP."""
import os
import socket
import subprocess
import sys
import tempfile

echod, qomctl = sys.argv[1:]


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "echod.qmp")

        def ctl(*words, fails=False):
            done = subprocess.run([qomctl, "-s", path, "--wait", *words], capture_output=True, text=True, timeout=120)
            assert (done.returncode != 0) == fails, (words, done)
            return (done.stderr if fails else done.stdout).strip()

        def connect(server):
            port = int(ctl("get", server, "address").rsplit(":", 1)[1])
            return socket.create_connection(("127.0.0.1", port), timeout=60)

        with subprocess.Popen([echod, path]) as daemon:
            try:
                ctl("add", "echo-server", "s0", "address=tcp:127.0.0.1:0", "iothreads.0=io0", "iothreads.1=io1",
                    "idle-timeout=1h")
                clients = [connect("s0") for _ in range(4)]
                for client in clients:
                    client.sendall(b"hello")
                    assert client.recv(5, socket.MSG_WAITALL) == b"hello"
                assert ctl("get", "s0", "clients") == "4"
                assert ctl("get", "s0", "accepted") == "4"
                assert ctl("get", "s0", "bytes") == "20"
                assert "held by: echo-server s0" in ctl("del", "io1", fails=True)
                assert "in use" in ctl("add", "echo-server", "s1", "iothreads.0=io2", fails=True,
                                       *["address=" + ctl("get", "s0", "address")])
                assert "iothread 'io9' not found" in ctl("add", "echo-server", "s1", "address=tcp::0", "iothreads.0=io9",
                                                         fails=True)
                # The clients above wait with the old limit, a new one with the new.
                ctl("set", "s0", "idle-timeout=1ms")
                assert connect("s0").recv(1) == b"", "an idle client is disconnected"
                assert ctl("get", "s0", "timed-out") == "1"
                ctl("del", "s0")
                for client in clients:
                    assert client.recv(1) == b"", "the clients of a deleted server are disconnected"
                ctl("del", "io1")
                ctl("add", "echo-server", "s0", "address=tcp:127.0.0.1:0", "iothreads.0=io0")
                with connect("s0"):
                    ctl("quit")
                    assert daemon.wait(60) == 0
            finally:
                daemon.kill()


main()

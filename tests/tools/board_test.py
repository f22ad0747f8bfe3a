# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: board_test.py BOARD_PROGRAM

Checks that the clients of the example log in, watch and post each for itself, and that one that leaves is forgotten.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        assert "QMP" in self.receive()
        self.execute("qmp_capabilities")

    def receive(self):
        return json.loads(self.lines.readline())

    def execute(self, command, **arguments):
        """Returns the result, or the class and description of the error. No events may arrive meanwhile."""
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        reply = self.receive()
        return reply["return"] if "return" in reply else (reply["error"]["class"], reply["error"]["desc"])

    def leave(self):
        self.lines.close()
        self.socket.close()


with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "board.qmp")
    with subprocess.Popen([sys.argv[1], path], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        ann = Client(path)
        bob = Client(path)
        eve = Client(path)

        refused = ("CommandNotFound", "The command post is not allowed: access is read-only")
        assert ann.execute("post", topic="fruit", text="plums") == refused
        assert ann.execute("login", user="ann", password="pear") == ("LoginFailed", "wrong user or password")
        assert ann.execute("login", user="ann", password="plum") == {}
        seen = ann.execute("query-client")
        assert seen["user"] == "ann" and seen["pid"] == os.getpid(), seen
        assert bob.execute("query-client")["id"] != seen["id"]
        assert bob.execute("post", topic="fruit", text="pears") == refused, "ann's login is not bob's"

        assert bob.execute("watch", topic="fruit") == {}
        assert eve.execute("watch", topic="tools") == {}
        assert ann.execute("post", topic="fruit", text="plums") == {}
        posted = bob.receive()
        notice = {"topic": "fruit", "text": "plums", "author": "ann"}
        assert posted["event"] == "POSTED" and posted["data"] == notice, posted
        assert eve.execute("query-notices") == [notice], "eve was not sent the event"

        bob.leave()
        assert ann.execute("post", topic="fruit", text="more plums") == {}
        dave = Client(path)
        assert dave.execute("query-client")["user"] == "", "a new client has not logged in"
        assert dave.execute("login", user="bob", password="pear") == {}
        dave.socket.sendall(b"{'execute': 'quit'}")
        assert server.wait(60) == 0, f"exit status {server.returncode}"

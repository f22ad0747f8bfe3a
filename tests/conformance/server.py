# SPDX-License-Identifier: GPL-2.0-or-later
"""A server process with a socket, and connections to it."""
import os
import re
import select
import shlex
import socket
import subprocess
import time

from replies import is_event, normal

PATIENCE = 120.0  # seconds to wait for a reply that must come
QUIET = 0.5  # seconds of silence after which no further reply is expected


class Server:
    """Owns the process: kills it at the end of the with-block."""

    def __init__(self, command, directory, objects):
        self.socket_path = os.path.join(directory, "s")
        self.argv = []
        for word in shlex.split(command):
            if word == "{objects}":
                for text in objects:
                    self.argv += ["--object", text]
            else:
                self.argv.append(word.replace("{sock}", self.socket_path))
        self.output = {name: open(os.path.join(directory, name), "w+b") for name in ("stdout", "stderr")}
        self.connections = []

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, **self.output)
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for file in self.output.values():
            file.close()

    def connect(self):
        """Closes the old connections and returns a new one; None if the process ends or does not listen in time."""
        for connection in self.connections:
            connection.socket.close()
        self.connections = []
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            peer = socket.socket(socket.AF_UNIX)
            try:
                peer.connect(self.socket_path)
            except OSError:
                peer.close()
                time.sleep(0.005)
            else:
                self.connections.append(Connection(peer))
                return self.connections[0]
        return None

    def exited(self, only):
        """Waits until the process ends. Returns its status and output, with the program's name replaced; of stdout only
        the lines that match one of the patterns in only, if there are any."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return {"status": "still running", "stdout": [], "stderr": []}
        lines = {}
        for name, file in self.output.items():
            file.seek(0)
            text = file.read().decode("utf-8", "replace")
            name_pattern = rf"^({re.escape(self.argv[0])}|[A-Za-z0-9_./+-]+(?=: -{{0,2}}object)): "
            lines[name] = [re.sub(name_pattern, "PROGRAM: ", line) for line in text.splitlines()]
        if only:
            lines["stdout"] = [line for line in lines["stdout"] if any(re.match(p, line) for p in only)]
        return {"status": self.process.returncode} | lines

    def ended_well(self):
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "the server still runs"
        if os.path.exists(self.socket_path):
            return "the socket is left behind"
        return None if status == 0 else f"the server ended with {status}"


class Connection:
    def __init__(self, peer):
        self.socket = peer
        self.buffer = b""
        self.closed = False

    def exchange(self, message, wanted, case):
        """Sends a message and returns the normalised replies, followed by "CLOSED" if the server closed the connection.
        Waits for as many replies as are wanted, then checks whether more have arrived."""
        self.send(wire(message))
        if wanted is None or case.get("grade") == "last":
            raws = self.replies(1 << 30, PATIENCE if wanted else 1.0, QUIET)
        else:
            count = sum(1 for reply in wanted if reply != "CLOSED" and not is_event(reply))
            if "CLOSED" in wanted:
                raws = self.replies(1 << 30)
            else:
                raws = self.replies(count) + self.replies(1 << 30, 0.05 if count == 0 else 0.0, 0.0)
        out = [reply for reply in (normal(raw, case) for raw in raws) if case.get("events") or not is_event(reply)]
        return out + (["CLOSED"] if self.closed else [])

    def send(self, data):
        self.socket.setblocking(False)
        while data and not self.closed:
            # Read as well, because the server may reply before it has received the whole message.
            readable, writable, _ = select.select([self.socket], [self.socket], [], PATIENCE)
            if readable:
                self.fill()
            try:
                if writable:
                    data = data[self.socket.send(data[:1 << 16]):]
            except BlockingIOError:
                pass
            except OSError:
                self.closed = True
            if not readable and not writable:
                return

    def fill(self):
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.buffer += data
        self.closed = not data

    def replies(self, count, patience=PATIENCE, quiet=None):
        """Returns raw lines. Waits for count lines that are not events, but at most patience seconds, or, if quiet is
        given, quiet seconds after each line."""
        out = []
        deadline = time.monotonic() + patience
        while True:
            *lines, self.buffer = self.buffer.split(b"\n")
            out += lines
            missing = count - sum(1 for line in out if not (b'"event"' in line and b'"timestamp"' in line))
            if lines and quiet is not None:
                deadline = time.monotonic() + quiet
            left = deadline - time.monotonic()
            if missing <= 0 or self.closed or not select.select([self.socket], [], [], max(left, 0))[0]:
                return out
            self.fill()


def wire(message):
    """Returns the bytes of a "send". A string is one line; README.md describes the other forms."""
    if isinstance(message, str):
        return message.encode("utf-8", "surrogatepass") + b"\n"
    if "raw" in message:
        return message["raw"].encode("utf-8", "surrogatepass")
    if "hex" in message:
        return bytes.fromhex(message["hex"])
    if "repeat" in message:
        text, times = message["repeat"]
        return text.encode() * times
    return b"".join(wire(part) for part in message["concat"])

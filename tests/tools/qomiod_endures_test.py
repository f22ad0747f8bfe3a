#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: qomiod_endures_test.py QOMIOD [FACTOR] — tests that the daemon survives bad clients and a lack of resources.

FACTOR divides the counts; a value above 1 means that the daemon is built with sanitizers.
"""
import atexit
import json
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile

QOMIOD = sys.argv[1]
FACTOR = int(sys.argv[2]) if len(sys.argv) > 2 else 1
WORK = tempfile.TemporaryDirectory()
PATH = WORK.name + "/qmp"


class Client:
    """A QMP client that runs one command at a time."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(PATH)
        self.lines = self.socket.makefile("rb")
        assert "QMP" in json.loads(self.lines.readline())
        self.run("qmp_capabilities")

    def send(self, text):
        self.socket.sendall(text)

    def reply(self):
        while True:
            answer = json.loads(self.lines.readline())
            if "event" not in answer:
                return answer

    def run(self, command, **arguments):
        """Runs a command and returns its reply. Underscores in the names of arguments become hyphens."""
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.send(json.dumps({"execute": command, "arguments": arguments}).encode())
        return self.reply()

    def done(self, command, **arguments):
        reply = self.run(command, **arguments)
        assert "return" in reply, (command, reply)
        return reply["return"]

    def close(self):
        self.lines.close()
        self.socket.close()


class Daemon:
    """A daemon that starts with the given resource limits; keeps its log."""

    def __init__(self, user=None, **limits):
        def set_limits():
            if user:
                os.setuid(user)
            for name, value in limits.items():
                resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))

        self.log = open(WORK.name + "/log", "w+b")  # pylint: disable=consider-using-with
        # pylint: disable-next=subprocess-popen-preexec-fn
        self.process = subprocess.Popen([QOMIOD, "--qmp", "unix:" + PATH], stderr=self.log, preexec_fn=set_limits)
        atexit.register(self.process.kill)
        while not os.path.exists(PATH):
            assert self.process.poll() is None, "the daemon ended at once"

    def connect(self):
        while True:
            try:
                return Client()
            except (json.JSONDecodeError, ConnectionError):  # not listening yet, or hasn't noticed that others left
                assert self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def end(self):
        client = self.connect()
        client.run("quit")
        client.close()
        assert self.process.wait(120) == 0, self.process.returncode
        self.log.seek(0)
        return self.log.read().decode()


def fails_and_lives(**limits):
    """Adds I/O threads until a limit. The failure must leave nothing behind, and a deletion must make room again."""
    daemon = Daemon(**limits)
    client = daemon.connect()
    client.done("object-add", qom_type="iothread", id="first")
    client.done("object-del", id="first")
    # Cause a system error while descriptors are left: UBSan needs some when it first checks std::error_category.
    assert "error" in client.run("object-add", qom_type="iothread", id="nowhere", cpu_affinity=[1000])
    before = daemon.descriptors(), daemon.threads()
    made = 0
    while True:
        reply = client.run("object-add", qom_type="iothread", id=f"io{made}")
        if "error" in reply:
            break
        made += 1
    assert made > 0 and "ail" in reply["error"]["desc"], (made, reply)
    assert len(client.done("query-iothreads")) == made
    client.done("object-del", id="io0")
    client.done("object-add", qom_type="iothread", id="again")
    client.done("object-del", id="again")
    for i in range(1, made):
        client.done("object-del", id=f"io{i}")
    assert (daemon.descriptors(), daemon.threads()) == before
    client.close()
    daemon.end()


def little_memory():
    """Lets memory run out at many points while an I/O thread is created. The earlier ones can still be deleted."""
    stack = resource.getrlimit(resource.RLIMIT_STACK)[0]
    if stack == resource.RLIM_INFINITY:
        stack = 2 << 20  # glibc's stack size for threads in this case
    for spare in range(stack, stack + (5 << 18), 4096):
        daemon = Daemon()
        client = daemon.connect()
        with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as statm:
            limit = int(statm.read().split()[0]) * resource.getpagesize() + spare
        resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        made = 0
        while "return" in client.run("object-add", qom_type="iothread", id=f"io{made}"):
            made += 1
        for i in range(made):
            client.done("object-del", id=f"io{i}")
        client.close()
        daemon.end()


def too_many_clients():
    """Without a free descriptor, the daemon disconnects new clients and logs it. Later it accepts clients again."""
    daemon = Daemon(NOFILE=40)
    clients = [daemon.connect()]
    refused = 0
    while refused < 3:
        try:
            clients.append(Client())
        except (json.JSONDecodeError, ConnectionError):
            refused += 1
    assert len(clients) > 10
    clients[0].done("query-version")
    for client in clients:
        client.close()
    log = daemon.end()
    assert "qomiod: info: a QMP client was refused: too many open files" in log, log


def pour(client, filler, size):
    """Sends size bytes of repeated filler. Reads and discards the replies meanwhile."""
    text = memoryview(filler * (1 << 16))
    while size > 0:
        readable, writable, _ = select.select([client.socket], [client.socket], [])
        if readable:
            client.socket.recv(1 << 20)
        if writable:
            size -= client.socket.send(text[:size], socket.MSG_DONTWAIT)


def killed_readers():
    """Stops clients and kills them while replies and events are being sent to them."""
    daemon = Daemon()
    other = daemon.connect()
    before = daemon.descriptors()
    clients = []
    for _ in range(50):
        ready, told = os.pipe()
        child = os.fork()
        if child == 0:
            client = socket.socket(socket.AF_UNIX)
            client.connect(PATH)
            client.sendall(b'{"execute": "qmp_capabilities"}'
                           b'{"execute": "subscribe-events", "arguments": {"events": ["OBJECT_ADDED"]}}'
                           + b'{"execute": "query-qmp-schema"}' * 100)
            client.recv(1000)
            os.write(told, b"x")
            while True:
                signal.pause()
        os.close(told)
        assert os.read(ready, 1) == b"x"
        os.close(ready)
        clients.append(child)
    for child in clients:
        os.kill(child, signal.SIGSTOP)
    for i in range(100 // FACTOR):
        other.done("object-add", qom_type="iothread", id=f"io{i}")
        other.done("object-del", id=f"io{i}")
        if i * 50 % (100 // FACTOR) == 0:
            os.kill(clients.pop(), signal.SIGKILL)
    for child in clients:
        os.kill(child, signal.SIGKILL)
    while daemon.descriptors() > before:
        other.done("query-version")
    other.close()
    daemon.end()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break


def first_come():
    """Of two daemons started at once, one serves and the other says why it does not. A killed one blocks no other."""
    for _ in range(max(2, 30 // FACTOR)):
        daemons = [subprocess.Popen([QOMIOD, "--qmp", "unix:" + PATH], stderr=subprocess.PIPE) for _ in range(2)]
        for daemon in daemons:
            atexit.register(daemon.kill)
        ended, _, _ = select.select([daemon.stderr for daemon in daemons], [], [], 120)
        loser = next(daemon for daemon in daemons if daemon.stderr in ended)
        winner = next(daemon for daemon in daemons if daemon is not loser)
        said = loser.stderr.read().decode()
        assert loser.wait(120) == 1 and f"socket '{PATH}' is in use by another program" in said, said
        client = None
        while not client:  # it may not listen yet
            assert winner.poll() is None, "both have ended"
            try:
                client = Client()
            except (FileNotFoundError, ConnectionError):
                pass
        client.done("query-version")
        winner.kill()  # leaves its socket behind
        winner.wait(120)
        client.close()
        for daemon in daemons:
            daemon.stderr.close()
    assert not os.path.exists(PATH + ".lock")
    os.unlink(PATH)


def junk():
    """Sends 64 MiB that form one value or none, and less of input full of errors. The memory must be freed again."""
    daemon = Daemon()
    first = daemon.connect()
    before = daemon.memory_kib()
    for begin, filler, size in (
        (b"", b"x", 64 << 20),
        (b"", b"{", 64 << 20),
        (b'"', b"y", 64 << 20),
        (b"[", b"1,", 64 << 20),
        (b"[", b"[],", 2 << 20),
        (b'{"execute": "query-version", "id": "', b"\xc3\xa9", 63 << 20),
        (b"", b"\xff", 1 << 16),
        (b"", b"x 1 ", 1 << 16),
    ):
        client = daemon.connect()
        client.send(begin)
        pour(client, filler, size // FACTOR)
        client.close()
        other = daemon.connect()
        other.done("query-version")
        other.close()
    # The daemon may still be freeing what the last client sent.
    while FACTOR == 1 and daemon.memory_kib() > before + 8192:
        first.done("query-version")
    first.close()
    daemon.end()


def full_house():
    """Connects 1000 clients, as the README promises. Further ones are disconnected until one of them has left."""
    daemon = Daemon()
    clients = [daemon.connect() for _ in range(1000)]
    for _ in range(300):
        extra = socket.socket(socket.AF_UNIX)
        extra.connect(PATH)
        assert extra.recv(1) == b"", "the next client was taken"
        extra.close()
    clients.pop().close()
    last = daemon.connect()  # retries until the server has noticed that one left
    for client in (last, *clients):
        client.done("query-version")
        client.close()
    log = daemon.end()
    assert "a QMP client was refused: there are 1000 already" in log, log
    lines = log.splitlines()
    assert len(lines) < 20, lines
    assert sum(int(line.split()[2]) for line in lines if " more QMP clients were refused" in line) >= 299, lines


def noise():
    """Sends random bytes and random sequences of QMP tokens. Every line of the replies must be JSON."""
    daemon = Daemon()
    other = daemon.connect()
    chance = random.Random(1)
    pieces = [b"{", b"}", b"[", b"]", b":", b",", b" ", b"\n", b"'", b'"', b"\\", b"\xff", b"1", b"-", b"true", b"null",
              b'"execute"', b'"exec-oob"', b'"arguments"', b'"id"', b"{'execute':'qmp_capabilities'}",
              b"{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}", b"{'execute':'query-version'}",
              b'{"execute":"qom-list","arguments":{"path":"/"}}', b"\0", b"\xc3\xa9", b"9" * 30]
    for i in range(2000 // FACTOR):
        text = chance.randbytes(2000) if i % 2 else b"".join(chance.choices(pieces, k=500))
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(120)
        s.connect(PATH)
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        with s.makefile("rb") as lines:
            for line in lines:
                json.loads(line)
        s.close()
        if i % 100 == 0:
            other.done("query-version")
    other.close()
    daemon.end()


def greed():
    """A client sends a million commands without reading. This costs little memory, others are served, none is lost."""
    daemon = Daemon()
    other = daemon.connect()
    greedy = daemon.connect()
    count = 1_000_000 // FACTOR
    all_commands = memoryview(b"{'execute':'x'}" * count)
    rest = all_commands
    before = daemon.memory_kib()
    idle = 0
    greedy.socket.setblocking(False)
    while len(rest) > 0 and idle < 10_000:  # each command of the other client lets the server serve this one
        try:
            rest = rest[greedy.socket.send(rest):]
            idle = 0
        except BlockingIOError:
            other.done("query-version")
            idle += 1
    if FACTOR == 1:
        assert len(rest) > len(all_commands) // 2, "the server reads what it can't answer"
        grown = daemon.memory_kib() - before
        assert grown < 8192, grown

    replies = 0
    ending = b""
    while replies < count:
        readable, writable, _ = select.select([greedy.socket], [greedy.socket] if len(rest) > 0 else [], [])
        if readable:
            piece = ending + greedy.socket.recv(1 << 20)
            replies += piece.count(b'"CommandNotFound"')
            ending = piece[piece.rfind(b"\n") + 1:]  # an incomplete line is counted once it is complete
            replies -= ending.count(b'"CommandNotFound"')
        if writable:
            rest = rest[greedy.socket.send(rest):]
    greedy.socket.settimeout(120)
    assert greedy.done("query-version") and replies == count
    greedy.close()
    other.close()
    daemon.end()


def comes_and_goes():
    """Clients that disconnect abruptly, and objects that are added and deleted, leave nothing behind."""
    daemon = Daemon()
    client = daemon.connect()
    count = 10_000 // FACTOR

    def disconnects(times):
        for i in range(times):
            s = socket.socket(socket.AF_UNIX)
            s.connect(PATH)
            if i % 3 == 1:
                s.sendall(b'{"execute": "qmp_cap')
            elif i % 3 == 2:
                s.sendall(b'{"execute": "qmp_capabilities"}{"execute": "query-qmp-schema"}')
            s.close()

    def objects(times):
        for _ in range(times):
            client.done("object-add", qom_type="iothread", id="io")
            client.done("object-del", id="io")

    idle = daemon.descriptors()

    def settle():
        """Waits until the server has noticed that all others left. It accepts the newest client last."""
        daemon.connect().close()
        while daemon.descriptors() > idle:
            client.done("query-version")

    for work in (disconnects, objects):
        work(count // 10)  # fills caches that the daemon keeps
        settle()
        before = daemon.descriptors(), daemon.threads(), daemon.memory_kib()
        work(count)
        settle()
        after = daemon.descriptors(), daemon.threads(), daemon.memory_kib()
        assert after[:2] == before[:2], (work.__name__, before, after)
        # Sanitizers keep freed memory for a while.
        if FACTOR == 1:
            assert after[2] < before[2] + 2048, (work.__name__, before, after)
    client.close()
    daemon.end()


os.chmod(WORK.name, 0o777)
fails_and_lives(NOFILE=40)
if os.geteuid() == 0:  # the limit does not apply to root; this user has no threads yet
    fails_and_lives(NPROC=20, user=54321)
if FACTOR == 1:  # sanitizers reserve more memory, and UBSan needs a descriptor to check it
    little_memory()
    too_many_clients()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if hard == resource.RLIM_INFINITY or hard >= 2100:
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2100), hard))  # enough for 1000 clients
    full_house()
for part in (killed_readers, first_come, junk, noise, greed, comes_and_goes):
    part()

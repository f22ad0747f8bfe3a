#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: qomiod_surroundings_test.py QOMIOD [no-systemd] [sanitized] — tests the daemon with signals, a log pipe
and a notify socket that are not read, few descriptors, and sockets that are offered twice."""
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

QOMIOD = sys.argv[1]
WORK = tempfile.TemporaryDirectory()
PATH = WORK.name + "/qmp"
PATIENCE_S = 300  # long enough for a busy machine; nothing here takes long


class Client:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(PATH)
        self.lines = self.socket.makefile("rb")
        self.next()
        self.run("qmp_capabilities")

    def next(self):
        return json.loads(self.lines.readline())

    def run(self, command):
        self.socket.sendall(json.dumps({"execute": command}).encode())
        while "event" in (answer := self.next()):
            pass
        assert "return" in answer, answer


def answers():
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(PATH) == 0


@contextlib.contextmanager
def daemon(*options, **how):
    """Runs a daemon that answers at PATH. Kills it at the end if it still runs."""
    process = subprocess.Popen([QOMIOD, "--qmp", "unix:" + PATH, *options], **how)
    try:
        while not answers():
            assert process.poll() is None, f"ended at once with {process.returncode}"
            time.sleep(0.005)
        yield process
    finally:
        process.kill()
        process.wait()
        pathlib.Path(PATH).unlink(missing_ok=True)


def ends_in_order_at_signals():
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with daemon("--object", "iothread,id=io0") as process:
            client = Client()
            process.send_signal(which)
            event = client.next()
            assert event["event"] == "SHUTDOWN", event
            assert event["data"] == {"guest": False, "reason": "host-signal"}, event
            assert process.wait(PATIENCE_S) == 0, (which, process.returncode)
            assert not os.path.exists(PATH), which


def goes_on_after_all_other_signals():
    harmless = {"SIGPIPE", "SIGXFSZ", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR"}
    harmless |= {"SIGSTKFLT", "SIGCHLD", "SIGURG", "SIGWINCH", "SIGCONT"}
    numbers = [getattr(signal, name) for name in sorted(harmless)] + list(range(signal.SIGRTMIN, signal.SIGRTMAX + 1))
    with daemon("--object", "iothread,id=io0") as process:
        client = Client()
        for number in numbers:
            process.send_signal(number)
            client.run("query-version")


def bogus_globals(count):
    """Returns options that cause count warnings."""
    return [word for i in range(count) for word in ("--global", f"no-such-type-{i:04}.property=1")]


def answers_while_nobody_reads_its_log():
    count = 3000  # about 200 KB; a pipe holds 64 KiB
    for make in (os.pipe, lambda: [end.detach() for end in socket.socketpair()]):
        reader, writer = make()
        with daemon(*bogus_globals(count), stderr=writer):
            os.close(writer)
            client = Client()
            client.run("query-version")
            text = b""
            seen = 0
            while seen < count:
                piece = os.read(reader, 1 << 16)
                assert piece, text[-200:]
                text += piece
                lines = text[: text.rfind(b"\n") + 1].decode().splitlines()
                told = [line for line in lines if line.endswith("messages could not be written")]
                seen = len(lines) - len(told) + sum(int(line.split()[2]) for line in told)
            assert told and seen == count, (seen, told)
            client.run("quit")
        os.close(reader)


def answers_when_the_reader_of_its_log_has_left():
    reader, writer = os.pipe()
    with daemon(*bogus_globals(1), stderr=writer) as process:
        os.close(writer)
        os.close(reader)
        client = Client()
        client.run("query-version")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full:
        for stderr in (writer, full):
            with daemon(*bogus_globals(10), stderr=stderr) as process:
                Client().run("quit")
                assert process.wait(PATIENCE_S) == 0
    os.close(writer)


def answers_when_the_reader_of_standard_output_has_left():
    reader, writer = os.pipe()
    to_daemon, commands = os.pipe()
    with daemon("--qmp", "stdio", stdin=to_daemon, stdout=writer) as process:
        os.close(writer)
        os.close(reader)
        os.write(commands, b'{"execute": "qmp_capabilities"}' * 100)
        client = Client()
        client.run("query-version")
        client.run("quit")
        assert process.wait(PATIENCE_S) == 0
    os.close(commands)
    os.close(to_daemon)


def outlives_clients_that_are_killed_while_it_answers():
    program = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.connect(sys.argv[1])\n"
        "s.sendall(b'{\"execute\": \"qmp_capabilities\"}')\n"
        "print(flush=True)\n"
        "while True: s.sendall(b'{\"execute\": \"query-qmp-schema\"}')\n"
    )
    with daemon() as process:
        clients = [subprocess.Popen([sys.executable, "-c", program, PATH], stdout=subprocess.PIPE) for _ in range(50)]
        for client in clients:
            client.stdout.readline()
            client.send_signal(signal.SIGSTOP)
        Client().run("query-version")
        for client in clients:
            client.kill()
            client.wait()
            client.stdout.close()
        Client().run("quit")
        assert process.wait(PATIENCE_S) == 0


def tells_a_service_manager_that_reads_late():
    name = WORK.name + "/notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(name)
    crowd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    crowd.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            crowd.sendto(b"crowd", name)
    environment = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="2000")
    log = open(WORK.name + "/log", "w+b")
    with daemon(env=environment, stderr=log) as process:
        client = Client()
        client.run("query-version")
        manager.settimeout(PATIENCE_S)
        heard = b""
        while heard != b"READY=1":
            heard = manager.recv(100)
            assert heard in (b"crowd", b"READY=1"), heard
        client.run("query-version")
        client.run("quit")
        assert process.wait(PATIENCE_S) == 0
    log.close()


def says_why_it_does_not_start_without_descriptors():
    for limit in range(3, 24):
        def set_limit(limit=limit):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        # pylint: disable-next=subprocess-popen-preexec-fn
        process = subprocess.Popen([QOMIOD, "--qmp", "unix:" + PATH], stderr=subprocess.PIPE, preexec_fn=set_limit)
        while process.poll() is None and not answers():
            time.sleep(0.005)
        if process.returncode is None:
            process.terminate()
            assert process.wait(PATIENCE_S) == 0, limit
            process.stderr.close()
            return
        said = process.stderr.read().decode()
        process.stderr.close()
        # With very few descriptors, the dynamic loader fails: it cannot open a library.
        assert process.returncode == 1 and said.startswith(QOMIOD + ": ") or "shared" in said, (limit, said)
        assert said.count("\n") == 1, said
    raise AssertionError("24 descriptors are enough")


def refuses_a_socket_that_is_offered_twice():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(WORK.name + "/offered")
    listener.listen()

    def refused(*options, **environment):
        """Runs a daemon with the socket as descriptors 3 and 4, which must fail. Returns its message."""
        said = open(WORK.name + "/said", "w+b")
        child = os.fork()
        if child == 0:
            os.environ.update(environment, LISTEN_PID=str(os.getpid()))
            os.dup2(said.fileno(), 2)
            os.dup2(listener.fileno(), 20)
            os.dup2(20, 3)
            os.dup2(20, 4)
            os.execv(QOMIOD, [QOMIOD, *options])
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 1, status
        said.seek(0)
        text = said.read().decode()
        said.close()
        return text.removeprefix(QOMIOD + ": ")

    said = refused("--qmp", "fd:3", "--qmp", "fd:3,access=read-only")
    assert said == "--qmp fd:3,access=read-only: descriptor 3 is served already, with access=full\n", said
    said = refused("--qmp", "fd:3", "--qmp", "fd:4,access=read-only")
    assert "fd:4" in said and "same as descriptor 3" in said, said
    if "no-systemd" in sys.argv:
        return
    said = refused("--qmp", "fd:3", LISTEN_FDS="1", LISTEN_FDNAMES="read-only")
    assert said == "socket of the service manager: descriptor 3 is served already, with access=full\n", said
    said = refused(LISTEN_FDS="2", LISTEN_FDNAMES="read-only:full")
    assert "descriptor 4 is the same as descriptor 3" in said, said


tests = [
    ends_in_order_at_signals,
    goes_on_after_all_other_signals,
    answers_while_nobody_reads_its_log,
    answers_when_the_reader_of_its_log_has_left,
    answers_when_the_reader_of_standard_output_has_left,
    outlives_clients_that_are_killed_while_it_answers,
    tells_a_service_manager_that_reads_late,
    refuses_a_socket_that_is_offered_twice,
]
if "sanitized" not in sys.argv:  # UBSan needs descriptors to check virtual calls
    tests.append(says_why_it_does_not_start_without_descriptors)
for test in tests:
    print(test.__name__, flush=True)
    test()

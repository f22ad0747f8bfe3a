#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: standard_streams_test.py QOMIOD QOMCTL — runs both programs with standard streams that are closed or full, or
# whose reader has left. Output must not get into another stream or socket; a closed or full stream must be reported.
import itertools, os, subprocess, sys, tempfile

qomiod, qomctl = sys.argv[1:3]
FULL = "cannot write to standard output: No space left on device\n"
CLOSED = "cannot write to standard output: Bad file descriptor\n"


def run(words, closed=(), stdin=subprocess.DEVNULL, **streams):
    """Runs a program with the descriptors `closed` closed. Output streams that are not given are pipes."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    ended = subprocess.run(words, stdin=stdin, timeout=60, preexec_fn=lambda: [os.close(fd) for fd in closed], text=True,
                           restore_signals=True, **streams)
    return ended.returncode, ended.stdout, ended.stderr


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: expected {wanted!r}, got {got!r}")


def printing_to_a_full_device_fails(words, status, name):
    with open("/dev/full", "w") as full:
        expect(f"{words} >/dev/full", run(words, stdout=full), (status, None, f"{name}: {FULL}"))
        got, _, _ = run(words, stdout=full, stderr=full)
        expect(f"{words} with both streams full", got, status)
    expect(f"{words} >&-", run(words, closed=[1])[::2], (status, f"{name}: {CLOSED}"))
    reading, writing = os.pipe()
    os.close(reading)
    expect(f"{words} with a reader that has gone", run(words, stdout=writing), (0, None, ""))
    os.close(writing)


for option in "--help", "--version", "--print-qmp-reference":
    printing_to_a_full_device_fails([qomiod, option], 1, qomiod)
for option in "help", "iothread,help":
    printing_to_a_full_device_fails([qomiod, "--object", option], 1, qomiod)
for words in ["--help"], ["--version"], ["help"], ["help", "set"]:
    printing_to_a_full_device_fails([qomctl, *words], 5, "qomctl")

# If an error message of any length cannot be written to standard error, the exit status still reports the error.
for program, status in (qomiod, 1), (qomctl, 2):
    for length in 1, 5000:
        with open("/dev/full", "w") as full:
            expect(f"a message of {program}", run([program, "--" + "x" * length], stderr=full)[0], status)
    expect(f"{program} 2>&-", run([program, "--nope"], closed=[2])[0], status)

# QMP on closed streams is refused.
for closed, name in (0, "input"), (1, "output"):
    expect(f"--qmp stdio, {closed} closed", run([qomiod, "--qmp", "stdio"], closed=[closed])[::2],
           (1, f"{qomiod}: --qmp stdio: standard {name} is closed\n"))

with tempfile.TemporaryDirectory() as folder:
    socket = folder + "/qmp"
    client = [qomctl, "--timeout", "60", "-s", socket]
    for count in range(4):
        for closed in itertools.combinations(range(3), count):
            daemon = subprocess.Popen([qomiod, "--qmp", "unix:" + socket, "--object", "iothread,id=io0"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      preexec_fn=lambda closed=closed: [os.close(fd) for fd in closed])
            try:
                expect("query-version", run(client + ["--wait", "get", "io0", "poll-max-ns"]), (0, "32768\n", ""))
                # The client's output must get nowhere else. Commands that print nothing work without streams.
                got, out, _ = run(client + ["tree"], closed=closed)
                expect(f"tree with {closed} closed", got, 5 if 1 in closed else 0)
                expect(f"set with {closed} closed", run(client + ["set", "io0", "poll-max-ns=0"], closed=closed)[0], 0)
                expect(f"add with {closed} closed", run(client + ["add", "iothread", "io0"], closed=closed)[0], 1)
                expect(f"a usage error with {closed} closed", run(client + ["del"], closed=closed)[0], 2)
                if not closed:
                    printing_to_a_full_device_fails(client + ["query-qmp-schema"], 5, "qomctl")
                    printing_to_a_full_device_fails(client + ["tree"], 5, "qomctl")
                    printing_to_a_full_device_fails(client + ["raw", '{"execute": "query-version"}'], 5, "qomctl")
                    expect("an error in a reply that can't be printed", run(client + ["raw", '{"execute": "x"}'], closed=[1])[::2],
                           (1, "qomctl: " + CLOSED))
                expect("quit", run(client + ["quit"]), (0, "", ""))
                out, err = daemon.communicate(timeout=60)
            finally:
                daemon.kill()
            expect(f"qomiod with {closed} closed", (daemon.returncode, out), (0, b""))

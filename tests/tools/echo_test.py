# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: echo_test.py SERVER [ARGUMENT...]

Checks that a server, which prints "listening on" and its address, echoes what many clients send, even if it exceeds a
socket's buffer, and that it ends at SIGTERM while clients are connected. The argument UNIX stands for an address of a
UNIX socket.
"""
import os
import signal
import socket
import subprocess
import sys
import threading


def exchange(connection, data):
    sender = threading.Thread(target=connection.sendall, args=(data,))
    sender.start()
    got = b""
    while len(got) < len(data):
        part = connection.recv(1 << 16)
        assert part, "the connection was closed"
        got += part
    sender.join()
    assert got == data, "other bytes came back"


def check(command, connect):
    """connect(line with the address) returns a function that connects a client."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            check_server(server, connect(next(line for line in server.stdout if line.startswith("listening on"))))
        finally:
            server.kill()


def check_server(server, new_client):
    clients = [new_client() for _ in range(20)]
    for _ in range(3):
        for number, client in enumerate(clients):
            exchange(client, f"hello from {number}\n".encode())
    clients.pop().close()
    exchange(clients[0], os.urandom(8 << 20))
    # A client that does not read must not delay the others.
    deaf = new_client()
    deaf.setblocking(False)
    try:
        while True:
            deaf.send(b"x" * 65536)
    except BlockingIOError:
        pass
    exchange(clients[1], b"still here")
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0, f"{server.args}: exit status {server.returncode}"


def over_tcp(line):
    port = int(line.replace(":", " ").split()[-1])
    return lambda: socket.create_connection(("127.0.0.1", port), timeout=30)


def over_unix(line):
    def connect():
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(line.split(":", 1)[1].strip())
        return client
    return connect


command = sys.argv[1:]
path = f"echo_test.{os.getpid()}"
if "UNIX" in command:
    check([f"unix:{path}" if word == "UNIX" else word for word in command], over_unix)
    assert not os.path.exists(path), "the socket was left behind"
else:
    check(command, over_tcp)

# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: echo_test.py ECHO_PROGRAM

Checks that both variants of the example echo what many clients send, even if it exceeds a socket's buffer, and that
they end at SIGTERM.
"""
import os
import signal
import socket
import subprocess
import sys
import threading

for way in ("callbacks", "coroutines"):
    with subprocess.Popen([sys.argv[1], way], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline().split()[1])

        def connect():
            return socket.create_connection(("127.0.0.1", port), timeout=30)

        def exchange(connection, data):
            sender = threading.Thread(target=connection.sendall, args=(data,))
            sender.start()
            got = b""
            while len(got) < len(data):
                part = connection.recv(1 << 16)
                assert part, "the connection was closed"
                got += part
            sender.join()
            assert got == data, f"{way}: other bytes came back"

        clients = [connect() for _ in range(20)]
        for _ in range(3):
            for number, client in enumerate(clients):
                exchange(client, f"hello from {number}\n".encode())
        clients.pop().close()
        exchange(clients[0], os.urandom(8 << 20))
        # A client that does not read must not delay the others.
        deaf = connect()
        deaf.setblocking(False)
        try:
            while True:
                deaf.send(b"x" * 65536)
        except BlockingIOError:
            pass
        exchange(clients[1], b"still here")
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0, f"{way}: exit status {server.returncode}"

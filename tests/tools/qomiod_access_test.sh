#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: qomiod_access_test.sh QOMIOD QOMCTL [systemd] — tests read-only sockets, and sockets that the daemon inherits.
set -euo pipefail
qomiod=$1
qomctl=$2
systemd=${3-}
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

die() {
  echo "$*" >&2
  exit 1
}

# refused TEXT COMMAND…: requires that the command fails and prints TEXT.
refused() {
  local expected=$1 said
  shift
  if said=$("$@" 2>&1); then die "$*: was not refused"; fi
  case $said in *"$expected"*) ;; *) die "$*: expected '$expected', got '$said'" ;; esac
}

refused "expected unix:PATH, fd:N or stdio" "$qomiod" --qmp tcp:1
refused "expected unix:PATH, fd:N or stdio" "$qomiod" --qmp fd:x
refused "Parameter 'acess' is unexpected" "$qomiod" --qmp "unix:$work/a,acess=read-only"
refused "Parameter 'access' does not accept value 'none'" "$qomiod" --qmp "unix:$work/a,access=none"
refused "descriptor 77: Bad file descriptor" "$qomiod" --qmp fd:77

"$qomiod" --qmp "unix:$work/all,,of,,it" --qmp "unix:$work/some,access=read-only" --object iothread,id=io0 &
pid=$!
"$qomctl" -s "$work/some" --wait --timeout 60 query-version >/dev/null
[ "$("$qomctl" -s "$work/some" get io0 poll-max-ns)" = 32768 ] || die "a read-only client can not read"
refused "is not allowed: access is read-only" "$qomctl" -s "$work/some" raw '{"execute": "quit"}'
"$qomctl" -s "$work/all,of,it" quit
wait "$pid" || die "qomiod ended with status $?"
pid=

# A small program creates a listening socket and passes it to the daemon, like systemd.
listening='
import atexit, os, socket, subprocess, sys
def listening(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    return s.detach()
'
python3 -c "$listening"'
os.dup2(listening(sys.argv[1]), 7)
os.execv(sys.argv[2], [sys.argv[2], "--qmp", "fd:7,access=full"])' "$work/fd" "$qomiod" &
pid=$!
"$qomctl" -s "$work/fd" --wait --timeout 60 quit
wait "$pid" || die "qomiod ended with status $?"
pid=

[ "$systemd" = systemd ] || exit 0
python3 -c "$listening"'
notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notices.bind(sys.argv[1])
qomiod = os.fork()
if qomiod == 0:
    first, second = listening(sys.argv[2]), listening(sys.argv[3])
    spare = [os.dup2(first, 50), os.dup2(second, 51)]
    os.dup2(50, 3)
    os.dup2(51, 4)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="qmp:read-only",
                      NOTIFY_SOCKET=sys.argv[1], WATCHDOG_PID=str(os.getpid()), WATCHDOG_USEC="20000")
    os.execv(sys.argv[4], sys.argv[4:5])
atexit.register(lambda: subprocess.run(["kill", str(qomiod)], stderr=subprocess.DEVNULL))
words = [notices.recv(100).decode() for _ in range(4)]
assert words == ["READY=1"] + 3 * ["WATCHDOG=1"], words
refused = os.system(sys.argv[5] + " --timeout 60 -s " + sys.argv[3] + " quit 2>/dev/null")
assert refused != 0, "the socket named read-only is not"
assert os.system(sys.argv[5] + " --timeout 60 -s " + sys.argv[2] + " quit") == 0
while (word := notices.recv(100).decode()) == "WATCHDOG=1":
    pass
assert word == "STOPPING=1", word
assert os.waitpid(qomiod, 0)[1] == 0' "$work/notices" "$work/s1" "$work/s2" "$qomiod" "$qomctl"

// SPDX-License-Identifier: GPL-2.0-or-later
// How threads wait for conditions while they iterate their loops. Names are as in iothread/internal/wait_list.cc. The
// main thread and the loop's home thread wait, the latter with a second wait inside its iteration. Each condition is
// changed by its own thread, which then calls wait_kick(). A notification ends the sleep of a loop, as notify.pml
// shows. A waiter that sleeps for ever is an invalid end state.
//
// As in notify.pml, each line takes effect at once, and without a barrier a store takes effect after the next load.
//
// The wrong variants:
//   LOOK_FIRST     the waiter registers after it has checked the condition
//   ONE_ENTRY      a second wait in the same loop has no entry of its own, and removes the first one's
//   PLAIN_COUNT    the kick reads the count without an exchange, so the change takes effect after that
//   KICK_FIRST     the kick comes before the change
//   ONE_FOR_ALL    the kick wakes only one of the loops

#define CONDITIONS 3
#define LOOPS 2

bool condition[CONDITIONS] = true;  // waiters wait until it is false
byte notified[LOOPS] = 0;
byte waiters = 0;
byte waiting_loops[LOOPS] = 0;      // entries of each loop in the list of waiters
bool locked = false;                // mutex_ is held

#define lock() atomic { !locked -> locked = true }
#define unlock() locked = false

// Registers a waiter.
inline enter(loop) {
  lock();
#ifdef ONE_ENTRY
  waiting_loops[loop] = 1;
#else
  waiting_loops[loop]++;
#endif
  unlock();
  waiters++
}

inline leave(loop) {
  waiters--;
  lock();
  waiting_loops[loop]--;
  unlock()
}

// poll(true): sleeps until the loop is notified, then clears the notification.
inline poll(loop) { atomic { notified[loop] > 0 -> notified[loop] = 0 } }

inline wait_while(loop, which) {
#ifdef LOOK_FIRST
  if
  :: condition[which] ->
     enter(loop);
     do
     :: poll(loop);
        if
        :: !condition[which] -> break
        :: else
        fi
     od;
     leave(loop)
  :: else
  fi
#else
  enter(loop);
  do
  :: condition[which] -> poll(loop)
  :: else -> break
  od;
  leave(loop)
#endif
}

// Waits for a condition that has no other waiter, then for one that has two.
proctype MainThread() {
  wait_while(0, 0);
  wait_while(0, 1)
}

proctype HomeThread() {
  enter(1);
  do
  :: condition[1] ->
     poll(1);
     if
     :: wait_while(1, 2)  // a callback in the iteration waits, too
     :: true
     fi
  :: else -> break
  od;
  leave(1);
  wait_while(1, 2)
}

inline wait_kick() {
  if
  :: waiters == 0
  :: else ->
     lock();
     loop = 0;
     do
     :: loop < LOOPS ->
        if
        :: waiting_loops[loop] > 0 ->
           notified[loop] = 1;
#ifdef ONE_FOR_ALL
           break
#endif
        :: else
        fi;
        loop++
     :: else -> break
     od;
     unlock()
  fi
}

proctype Changer(byte which) {
  byte loop;
#ifdef KICK_FIRST
  wait_kick();
  condition[which] = false
#elif defined(PLAIN_COUNT)
  bool any = waiters > 0;
  condition[which] = false;
  if
  :: any -> wait_kick()
  :: else
  fi
#else
  condition[which] = false;
  wait_kick()
#endif
}

init {
  atomic {
    run MainThread();
    run HomeThread();
    run Changer(0);
    run Changer(1);
    run Changer(2)
  }
}

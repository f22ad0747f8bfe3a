// SPDX-License-Identifier: GPL-2.0-or-later
// The protocol between wakers and a loop that falls asleep: notifying, avoiding the system call, blocking and stopping.
// Names are as in iothread/internal/waker.h and loop_iteration.cc. Spin tries all interleavings. A loop that sleeps for
// ever has lost a wake-up: an invalid end state, since the stopper waits until all work is done before it stops and
// joins the loop.
//
// Each line takes effect at once, for all threads, in program order. Without a barrier, a thread's store may take effect
// after its next load; so the variants without a barrier have the two in that order.
//
// The wrong variants, each of which must be found to fail:
//   NO_SLEEPER_BARRIER  the announcement of the sleep takes effect after the last check for work
//   NO_WAKER_BARRIER    the notification takes effect after the check for a sleeper
//   CHECK_ONCE          the loop does not check for work again after the announcement
//   ACCEPT_LATE         notifications are cleared after the work was read, not before
//   STOP_BY_FLAG        stop sets a flag and only wakes a loop that has announced its sleep

byte queue = 0;  // bottom halves pushed and not taken yet
#define POSTS 2
bool stop_queued = false;  // one of them is the one-shot that ends the loop
bool stop_flag = false;    // STOP_BY_FLAG: used instead of stop_queued
bool params = false;       // new parameters: work that the loop learns of only by a notification
bool notifications = false;
bool sleeping = false;     // announced, and not claimed by a waker yet
bool signalled = false;    // the event notifier is readable

// What the loop has done.
byte ran = 0;
bool params_seen = false;
bool ended = false;

#define notified (notifications || queue > 0)

inline wake() {
  if
  :: sleeping ->
     atomic { mine = sleeping; sleeping = false };  // an exchange: only one waker gets it
     if
     :: mine -> signalled = true
     :: else
     fi
  :: else
  fi
}

// schedule_oneshot(): the loop checks the queue itself, so the push needs no notification.
proctype Poster() {
  bool mine;
  queue++;
  wake()
}

// set_poll_params(), which calls notify().
proctype Setter() {
  bool mine;
  params = true;
#ifdef NO_WAKER_BARRIER
  wake();
  notifications = true
#else
  notifications = true;
  wake()
#endif
}

// IOThread::stop(), after all other work is done.
proctype Stopper() {
  bool mine;
  ran == POSTS && params_seen;
#ifdef STOP_BY_FLAG
  stop_flag = true;
#else
  atomic { queue++; stop_queued = true };
#endif
  wake();
  ended  // join
}

proctype AioLoop() {
  bool running = true;
  bool blocks;
  byte taken;
  bool last;
  do
  :: running && !stop_flag ->
     params_seen = params;  // apply_poll_params()
#ifdef ACCEPT_LATE
     notifications = false;
#endif
     atomic { taken = queue; last = stop_queued; queue = 0; stop_queued = false };  // a batch, if there is one
     blocks = (taken == 0 && queue == 0);  // the time-out is not 0

     // Busy polling, of any length. No sleep is announced, so wakers make no system call.
     do
     :: blocks && notified -> blocks = false
     :: break
     od;

     if
     :: blocks ->
#ifdef NO_SLEEPER_BARRIER
        blocks = !notified;
        sleeping = true;
#else
        sleeping = true;
#ifndef CHECK_ONCE
        blocks = !notified;
#endif
#endif
        if
        :: blocks -> atomic { signalled -> signalled = false }
        :: else
        fi;
        sleeping = false
     :: else
     fi;

     // If a batch has been taken, newer bottom halves wait for the next iteration.
     if
     :: taken == 0 -> atomic { taken = queue; last = stop_queued; queue = 0; stop_queued = false }
     :: else
     fi;
#ifndef ACCEPT_LATE
     notifications = false;  // the work that they announce is read in the next iteration
#endif
     ran = ran + taken - last;
     running = !last
  :: else -> break
  od;
  // Everything scheduled before the stop has run.
  assert(stop_flag || ran == POSTS);
  ended = true
}

init {
  atomic {
    run AioLoop();
    run Poster();
    run Poster();
    run Setter();
    run Stopper()
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later
// How wakers and a loop that goes to sleep work together: notify, its elision, blocking, stop. The names are those
// of iothread/internal/waker.h and loop_iteration.cc. Spin tries all interleavings. A lost wake-up is a loop that sleeps for ever: it shows as
// an invalid end state, since the stopper waits for all that was asked for before it stops the loop and joins.
//
// Each line takes effect at once, for all, in the order of the text. What a missing barrier allows is that a thread's
// store comes into effect after its next load: so these variants have the two in that order.
//
// The wrong variants, each of which must be found to fail:
//   NO_SLEEPER_BARRIER  the announcement of the sleep comes into effect after the last look for work
//   NO_WAKER_BARRIER    the notification comes into effect after the look for a sleeper
//   CHECK_ONCE          the loop doesn't look for work again after the announcement
//   ACCEPT_LATE         notifications are cleared after the work was read, not before
//   STOP_BY_FLAG        stop sets a flag and wakes a loop that has announced its sleep

byte queue = 0;  // bottom halves pushed, not taken yet
#define POSTS 2
bool stop_queued = false;  // one of them is the one-shot that ends the loop
bool stop_flag = false;    // STOP_BY_FLAG: instead of that
bool params = false;       // new parameters: work that only a notification tells of
bool notifications = false;
bool sleeping = false;     // announced, and no waker has taken it on yet
bool signalled = false;    // the event notifier

// What the loop has done.
byte ran = 0;
bool params_seen = false;
bool ended = false;

#define notified (notifications || queue > 0)

inline wake() {
  if
  :: sleeping ->
     atomic { mine = sleeping; sleeping = false };  // an exchange: one waker only gets it
     if
     :: mine -> signalled = true
     :: else
     fi
  :: else
  fi
}

// schedule_oneshot(): the push is what the loop looks at.
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

// IOThread::stop(), when all else is done.
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
     blocks = (taken == 0 && queue == 0);  // the timeout

     // The busy poll, of any length: nothing is announced, so a waker makes no system call.
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

     // The next batch grows while one is at hand.
     if
     :: taken == 0 -> atomic { taken = queue; last = stop_queued; queue = 0; stop_queued = false }
     :: else
     fi;
#ifndef ACCEPT_LATE
     notifications = false;  // what they tell of is read in the next iteration
#endif
     ran = ran + taken - last;
     running = !last
  :: else -> break
  od;
  // What was scheduled before the stop has run.
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

// SPDX-License-Identifier: GPL-2.0-or-later
// How other threads set timers of a loop that goes to sleep. The names are those of iothread/internal/timer_list.cc. Time passes only
// while the loop sleeps, from one deadline to the next. Nobody's timer is overslept: when time passes, what was asked
// for by a call that has returned is not earlier than the end of the sleep. Nobody's is lost: a loop that sleeps for
// ever, though a timer is set, is an invalid end state. A waker that has taken a sleep on signals before time passes:
// the others rely on it.
//
// As in notify.pml, each line takes effect at once, and a missing barrier is a store that comes after the next load.
//
// The wrong variants:
//   NO_SECOND_LOOK        the loop doesn't look for requests again after it has told the earliest deadline
//   NO_LOOP_BARRIER       telling it comes into effect after that look
//   NO_REQUESTER_BARRIER  the mark that there are requests comes into effect after the look at the earliest deadline
//   WAKE_IDLE_ONLY        a request wakes the loop only if it has no timer at all

#define NEVER 3      // deadlines are 1 and 2
#define CANCEL NEVER
#define NONE 4
#define TIMERS 2

byte now = 0;
byte request[TIMERS] = NONE;
bool no_later[TIMERS] = false;  // if the timer isn't armed, or later
bool any_requests = false;
bool locked = false;         // the mutex
byte heap[TIMERS] = NEVER;   // the home thread's
byte earliest_ns = NEVER;

bool notifications = false;
bool sleeping = false;
bool signalled = false;
bool signals = false;  // a waker has taken the sleep on, and has not signalled yet

// What was promised: the deadline that was asked for last, NEVER when it was cancelled or the timer has run since.
byte promised[TIMERS] = NEVER;
bool returned[TIMERS] = true;  // the call that asked
byte owners = TIMERS;          // not at their end

#define least(of) (of[0] < of[1] -> of[0] : of[1])
#define kept(timer) (!returned[timer] || promised[timer] >= until)
#define lock() !locked -> locked = true
#define unlock() locked = false

proctype Owner(byte timer, calls) {
  byte call = 0;
  byte deadline;
  bool only_earlier, nothing_new, wake, mine;
  do
  :: call < calls ->
     // request_arm(), request_cancel(): what others can't see before the mutex is given back is one step
     atomic {
       lock();
       call++;
       if
       :: deadline = 1
       :: deadline = 2
       :: call > 1 -> deadline = CANCEL
       fi;
       if
       :: only_earlier = false
       :: call > 1 && deadline != CANCEL -> only_earlier = true
       fi;
       nothing_new = only_earlier && request[timer] <= deadline;
       if
       :: nothing_new
       :: else ->
          no_later[timer] = only_earlier && (request[timer] == NONE || no_later[timer]);
          request[timer] = deadline;
          promised[timer] = (only_earlier && promised[timer] < deadline -> promised[timer] : deadline);
          returned[timer] = false
       fi
     };
     if
     :: nothing_new -> wake = false
     :: else ->
#ifdef NO_REQUESTER_BARRIER
        wake = deadline < earliest_ns;
        any_requests = true
#elif defined(WAKE_IDLE_ONLY)
        any_requests = true;
        wake = earliest_ns == NEVER
#else
        any_requests = true;
        wake = deadline < earliest_ns
#endif
     fi;
     unlock();
     if
     :: wake ->  // notify()
        notifications = true;
        if
        :: sleeping ->
           atomic { mine = sleeping; sleeping = false; signals = signals || mine };
           if
           :: mine -> atomic { signalled = true; signals = false }
           :: else
           fi
        :: else
        fi
     :: else
     fi;
     returned[timer] = true
  :: else -> break
  od;
  owners--
}

inline apply_requests() {
  if
  :: any_requests ->
     atomic {
       lock();
       any_requests = false;
       for (i : 0 .. TIMERS - 1) {
         if
         :: request[i] != NONE ->
            heap[i] = (no_later[i] && heap[i] < request[i] -> heap[i] : request[i]);
            request[i] = NONE;
            no_later[i] = false
         :: else
         fi
       };
       unlock()
     }
  :: else
  fi
}

proctype AioLoop() {
  byte i;
  byte until;
  bool again, blocks;
  bool over = false;
  do
  :: !over ->
     // next_ns()
     do
     :: apply_requests();
        until = least(heap);
#ifdef NO_LOOP_BARRIER
        again = any_requests;
        earliest_ns = until;
#else
        if
        :: earliest_ns != until -> earliest_ns = until
        :: else
        fi;
#ifdef NO_SECOND_LOOK
        again = false;
#else
        again = any_requests;
#endif
#endif
        if
        :: again
        :: else -> break
        fi
     od;

     if
     :: until > now ->
        sleeping = true;
        blocks = !notifications;
        if
        :: blocks ->
           if
           :: atomic { signalled -> signalled = false }
           :: atomic { !signalled && !signals && until != NEVER -> assert(kept(0) && kept(1)); now = until }
           :: atomic { !signalled && !signals && owners == 0 && least(promised) == NEVER -> over = true }
           fi
        :: else
        fi;
        sleeping = false
     :: else
     fi;
     notifications = false;

     // run()
     apply_requests();
     d_step {
       for (i : 0 .. TIMERS - 1) {
         if
         :: heap[i] <= now ->
            heap[i] = NEVER;
            promised[i] = (request[i] == NONE -> NEVER : request[i])
         :: else
         fi
       }
     }
  :: else -> break
  od
}

init {
  atomic {
    run AioLoop();
    run Owner(0, 2);
    run Owner(1, 1)
  }
}

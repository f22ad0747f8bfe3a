// SPDX-License-Identifier: GPL-2.0-or-later
// How other threads arm timers of a loop that falls asleep. Names are as in iothread/internal/timer_list.cc. Time
// passes only while the loop sleeps, from one deadline to the next. No timer is overslept: when time passes, no
// deadline that a returned call has requested is earlier than the end of the sleep. No timer is lost: a loop that
// sleeps for ever although a timer is armed is an invalid end state. A waker that has claimed a sleep signals before
// time passes, since the other wakers rely on it.
//
// As in notify.pml, each line takes effect at once, and without a barrier a store takes effect after the next load.
//
// The wrong variants:
//   NO_SECOND_LOOK        the loop does not check for requests again after it has published the earliest deadline
//   NO_LOOP_BARRIER       the published deadline takes effect after that check
//   NO_REQUESTER_BARRIER  any_requests takes effect after the earliest deadline was read
//   WAKE_IDLE_ONLY        a request wakes the loop only if the loop has no timer at all

#define NEVER 3      // deadlines are 1 and 2
#define CANCEL NEVER
#define NONE 4
#define TIMERS 2

byte now = 0;
byte request[TIMERS] = NONE;
bool no_later[TIMERS] = false;  // the request applies only if the timer is unarmed or later
bool any_requests = false;
bool locked = false;         // mutex_ is held
byte heap[TIMERS] = NEVER;   // belongs to the home thread
byte earliest_ns = NEVER;

bool notifications = false;
bool sleeping = false;
bool signalled = false;
bool signals = false;  // a waker has claimed the sleep and has not signalled yet

// The deadline according to the last call; NEVER if the timer was cancelled or has run since.
byte promised[TIMERS] = NEVER;
bool returned[TIMERS] = true;  // the last call has returned
byte owners = TIMERS;          // owners that have not ended

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
     // request_arm(), request_cancel(): one step, since other threads see nothing of it before the mutex is unlocked
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

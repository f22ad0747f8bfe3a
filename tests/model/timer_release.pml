// SPDX-License-Identifier: GPL-2.0-or-later
// How a timer is destroyed, by another thread while the loop may be calling it, or by the loop's own, in its callback
// too. The names are those of iothread/internal/timer_list.cc. The callback may set its timer again, and may iterate the loop, inside
// which the timer may be due once more. No call begins after it was released, nor goes on after another thread's
// release has returned, and none is without its callable; the node is not touched after it was freed, and freed once. A
// releaser that waits for ever, or a node that is never freed, is an invalid end state.
//
// The wrong variants:
//   NO_WAIT            the releaser doesn't wait for a callback that is going on
//   NO_NOTIFY          the loop doesn't tell that the callback has returned
//   LOOK_THEN_RUN      begin_call() looks and marks in two steps
//   UNLOCKED_BEGIN     begin_call() takes a released one out without the lock
//   UNLOCKED_RELEASE   the releaser looks whether the loop uses the node without the lock

#define RUNNING 1   // what state is made of
#define RELEASED 2
#define NONE 0      // requests
#define ARM 1
#define RELEASE 2
#define CALLS 3     // the callback sets the timer again until it has begun so often

byte state = 0;
byte request = NONE;
bool armed = false;        // position
byte running = 0;          // frames inside the callback
bool any_requests = false;
bool locked = false;       // the mutex
bool waiting = false;      // the releaser in state.wait()

bool callable = true;
bool handed_over = false;  // the loop's thread is to release it
bool released = false;     // by the loop's thread
bool returned = false;     // the release by another thread
bool freed = false;
byte calls = 0;

#define touch() assert(!freed)
#define free() atomic { touch(); freed = true }
#define lock() atomic { !locked -> locked = true }
#define unlock() locked = false

// An exchange that tells what was before.
inline set_bit(mask) { atomic { touch(); old = state; state = state | mask } }
inline clear_bit(mask) { atomic { touch(); old = state; state = state - (state & mask) } }

inline request_release() {
  lock();
  set_bit(RELEASED);
  old = old | RELEASED;
#ifndef NO_WAIT
  do
  :: old & RUNNING ->
     unlock();
     // Woken, it looks again: the bit may be there once more.
     do
     :: atomic { state == old -> touch(); waiting = true }; !waiting
     :: state != old -> break
     od;
     lock();
     touch();
     old = state
  :: else -> break
  od;
#endif
  touch();
  callable = false;
#ifdef UNLOCKED_RELEASE
  unlock();
#endif
  in_use = request != NONE;
  in_use = in_use || armed;
#ifdef UNLOCKED_RELEASE
  lock();
#endif
  if
  :: in_use -> touch(); request = RELEASE; any_requests = true
  :: else
  fi;
  unlock();
  returned = true;
  if
  :: in_use  // the loop frees it
  :: else -> free()
  fi
}

proctype Owner() {
  byte old;
  bool in_use;
  // The timer's thread sets it, or doesn't.
  if
  :: lock();
     touch();
     request = ARM;
     any_requests = true;
     unlock()
  :: true
  fi;

  if
  :: handed_over = true
  :: request_release()
  fi
}

inline apply_requests() {
  if
  :: any_requests ->
     lock();
     any_requests = false;
     touch();
     asked = request;
     request = NONE;
     if
     :: asked == ARM -> touch(); armed = true
     :: asked == RELEASE -> touch(); armed = false; free()
     :: else
     fi;
     unlock()
  :: else
  fi
}

// Leaves in began whether the callback is to be called.
inline begin_call() {
  began = true;
  if
  :: running > 0 ->
     touch();
     if
     :: state & RELEASED -> armed = false; began = false
     :: else
     fi
  :: else ->
#ifdef LOOK_THEN_RUN
     touch();
     old = state;
     if
     :: old & RELEASED
     :: else -> state = state | RUNNING
     fi;
#else
     set_bit(RUNNING);
#endif
     if
     :: old & RELEASED ->
#ifndef UNLOCKED_BEGIN
        lock();
#endif
        touch();
        armed = false;
        clear_bit(RUNNING);
        waiting = false;
#ifndef UNLOCKED_BEGIN
        unlock();
#endif
        began = false
     :: else
     fi
  fi;
  if
  :: began -> running++; touch(); armed = false
  :: else
  fi
}

inline end_call() {
  running--;
  if
  :: running > 0
  :: running == 0 && released -> free()
  :: else ->
     clear_bit(RUNNING);
#ifndef NO_NOTIFY
     if
     :: old & RELEASED -> waiting = false
     :: else
     fi
#endif
  fi
}

inline release_at_home() {
  apply_requests();
  touch();
  armed = false;
  released = true;
  if
  :: running > 0  // the outermost frame frees it
  :: else -> free()
  fi
}

inline callback() {
  assert(callable && !released && !returned);
  calls++;
  if
  :: calls < CALLS -> touch(); armed = true
  :: true
  fi;
  if
  :: handed_over -> release_at_home()
  :: true
  fi
}

proctype AioLoop() {
  byte old, asked;
  bool began;
  do
  :: any_requests -> apply_requests()
  :: armed ->
     begin_call();
     if
     :: began ->
        callback();
        do
        :: apply_requests();  // a nested iteration
           if
           :: armed ->
              begin_call();
              if
              :: began -> callback(); assert(callable && !returned); end_call()
              :: else
              fi
           :: else
           fi
        :: break
        od;
        assert(callable && !returned);
        end_call()
     :: else
     fi
  :: handed_over && !released -> release_at_home()
  :: freed && !any_requests -> break
  od
}

init {
  atomic {
    if
    :: armed = true
    :: true
    fi;
    run AioLoop();
    run Owner()
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later
// How a timer is destroyed: by another thread, while the loop may be calling it, or by the loop's own thread, even
// inside the callback. Names are as in iothread/internal/timer_list.cc. The callback may arm its timer again and may
// iterate the loop, where the timer may be due again. No call begins after the release, or continues after another
// thread's release has returned, and the callable exists during each call. The node is not used after it was freed, and
// is freed once. A releaser that waits for ever, or a node that is never freed, is an invalid end state.
//
// The wrong variants:
//   NO_WAIT            the releaser does not wait for a running callback
//   NO_NOTIFY          the loop does not wake the releaser when the callback has returned
//   LOOK_THEN_RUN      begin_call() reads the state and marks it in two steps
//   UNLOCKED_BEGIN     begin_call() removes a released node without the lock
//   UNLOCKED_RELEASE   the releaser checks without the lock whether the loop uses the node

#define RUNNING 1   // the bits of state
#define RELEASED 2
#define NONE 0      // the values of request
#define ARM 1
#define RELEASE 2
#define CALLS 3     // the callback arms the timer again until it has been called this often

byte state = 0;
byte request = NONE;
bool armed = false;        // position is not kUnarmed
byte running = 0;          // frames inside the callback
bool any_requests = false;
bool locked = false;       // mutex_ is held
bool waiting = false;      // the releaser is in state.wait()

bool callable = true;
bool handed_over = false;  // the loop's thread must release it
bool released = false;     // the loop's thread has released it
bool returned = false;     // another thread's release has returned
bool freed = false;
byte calls = 0;

#define touch() assert(!freed)
#define free() atomic { touch(); freed = true }
#define lock() atomic { !locked -> locked = true }
#define unlock() locked = false

// Atomic; the previous state is stored in old.
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
     // Reads the state again when woken: the bit may have been set again.
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
  // The owner arms the timer or leaves it unarmed.
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

// Sets began to whether the callback must be called.
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

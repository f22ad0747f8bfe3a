// SPDX-License-Identifier: GPL-2.0-or-later
// How a bottom half is destroyed: by another thread, while the loop may be running it, or by the loop's own thread,
// even inside the run. Names are as in iothread/internal/post_queue.cc. The run may schedule and cancel its bottom
// half, and may iterate the loop, where it may be due again. No run begins after the release, or continues after
// another thread's release has returned. The node is not used after it was freed, is not freed while it is in a list,
// and is freed once. A releaser that waits for ever, or a node that is never freed, is an invalid end state.
//
// The wrong variants:
//   NO_WAIT            the releaser does not wait for a run in progress
//   NO_NOTIFY          the loop does not wake the releaser when the run has ended
//   LOOK_THEN_RUN      run_one() reads the state and marks it in two steps
//   FREE_AWAITED       the loop frees a released node although a releaser waits
//   FREE_QUEUED        the releaser frees the node although it is in a list

#define SCHEDULED 1  // the bits of state
#define QUEUED 2
#define RUNNING 4
#define RELEASED 8
#define AWAITED 16
#define RUNS 3       // the bottom half schedules itself until it has run this often

byte state = 0;
bool listed = false;       // pushed, or taken and not run yet
bool waiting = false;      // the releaser is in state_.wait()

bool handed_over = false;  // the loop's thread must release it
bool released = false;     // the loop's thread has released it
bool returned = false;     // another thread's release has returned
bool freed = false;
byte runs = 0;

#define touch() assert(!freed)
#define free() atomic { touch(); assert(!listed); freed = true }

// Atomic; the previous state is stored in old.
inline set_bits(bits) { atomic { touch(); old = state; state = state | bits } }
inline clear_bits(bits) { atomic { touch(); old = state; state = state - (state & (bits)) } }

inline schedule() {
  set_bits(SCHEDULED | QUEUED);
  if
  :: old & QUEUED
  :: else -> atomic { touch(); assert(!listed); listed = true }
  fi
}

inline cancel() { clear_bits(SCHEDULED) }

inline release() {
  set_bits(RELEASED | AWAITED);
  old = old | RELEASED | AWAITED;
#ifndef NO_WAIT
  do
  :: old & RUNNING ->
     // Reads the state again when woken.
     do
     :: atomic { state == old -> touch(); waiting = true }; !waiting
     :: state != old -> break
     od;
     touch();
     old = state
  :: else -> break
  od;
#endif
  clear_bits(AWAITED);
  returned = true;
  if
#ifndef FREE_QUEUED
  :: old & QUEUED  // the loop frees it
#endif
  :: else -> free()
  fi
}

inline release_at_home() {
  set_bits(RELEASED);
  released = true;
  if
  :: old & (RUNNING | QUEUED)
  :: else -> free()
  fi
}

proctype Owner() {
  byte old;
  byte calls = 0;
  do
  :: calls < 2 -> calls++; schedule()
  :: cancel(); break
  :: break
  od;

  if
  :: handed_over = true
  :: release()
  fi
}

inline look() { touch(); old = state; starts = (old & SCHEDULED) && !(old & RELEASED) }
inline mark() { touch(); state = (state - (state & (SCHEDULED | QUEUED))) | (starts -> RUNNING : 0) }

#ifdef FREE_AWAITED
#define left_to_loop (old & RELEASED)
#else
#define left_to_loop ((old & RELEASED) && !(old & AWAITED))
#endif

// The first half of run_one(): sets starts to whether the bottom half must be run.
inline begin_run() {
  listed = false;  // pop()
#ifdef LOOK_THEN_RUN
  look();
  mark();
#else
  atomic { look(); mark() };
#endif
  if
  :: !starts && left_to_loop && !(old & RUNNING) -> free()
  :: else
  fi
}

// The second half of run_one(), in the outermost frame.
inline end_run() {
  clear_bits(RUNNING);
#ifndef NO_NOTIFY
  if
  :: old & AWAITED -> waiting = false
  :: else
  fi;
#endif
  if
  :: left_to_loop && !(old & QUEUED) -> free()
  :: else
  fi
}

inline call() {
  assert(!released && !returned);
  runs++;
  if
  :: runs < RUNS -> schedule()
  :: runs < RUNS -> schedule(); cancel()
  :: true
  fi;
  if
  :: handed_over -> release_at_home()
  :: true
  fi;
  assert(!returned)
}

proctype AioLoop() {
  byte old;
  bool starts;
  do
  :: listed ->
     begin_run();
     if
     :: starts ->
        call();
        do
        :: listed ->  // a nested iteration
           begin_run();
           if
           :: starts -> call()  // the outer frame finishes
           :: else
           fi
        :: break
        od;
        assert(!returned);
        end_run()
     :: else
     fi
  :: handed_over && !released -> release_at_home()
  :: freed -> break
  od
}

init {
  atomic {
    run AioLoop();
    run Owner()
  }
}

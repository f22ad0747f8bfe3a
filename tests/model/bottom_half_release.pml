// SPDX-License-Identifier: GPL-2.0-or-later
// How a bottom half is destroyed, by another thread while the loop may be running it, or by the loop's own, in its run
// too. The names are those of iothread/internal/post_queue.cc. The run may schedule and cancel its bottom half, and may iterate
// the loop, inside which it may be due once more. No run begins after it was released, nor goes on after another
// thread's release has returned; the node is not touched after it was freed, not freed while it is in a list, and freed
// once. A releaser that waits for ever, or a node that is never freed, is an invalid end state.
//
// The wrong variants:
//   NO_WAIT            the releaser doesn't wait for a run that is going on
//   NO_NOTIFY          the loop doesn't tell that the run has ended
//   LOOK_THEN_RUN      run_one() looks and marks in two steps
//   FREE_AWAITED       the loop frees what it finds released, though a releaser waits
//   FREE_QUEUED        the releaser frees it, though it is in a list

#define SCHEDULED 1  // what state is made of
#define QUEUED 2
#define RUNNING 4
#define RELEASED 8
#define AWAITED 16
#define RUNS 3       // it schedules itself until it has run so often

byte state = 0;
bool listed = false;       // pushed, or taken and due
bool waiting = false;      // the releaser in state_.wait()

bool handed_over = false;  // the loop's thread is to release it
bool released = false;     // by the loop's thread
bool returned = false;     // the release by another thread
bool freed = false;
byte runs = 0;

#define touch() assert(!freed)
#define free() atomic { touch(); assert(!listed); freed = true }

// Exchanges that tell what was before.
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
     // Woken, it looks again.
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

// The first half of run_one(): leaves in starts whether it is to be run.
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

// The second half, of the outermost frame.
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

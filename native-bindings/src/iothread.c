/* A thread that runs one socket's requests: the kernel executes a netlink request inside sendmsg, and each part of a
 * dump inside recvmsg, and may sleep there on its own locks. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define STACK_BYTES (1024 * 1024)
#else
#define STACK_BYTES (128 * 1024)
#endif
/* A caller that waits for each answer sends the next request within this time; catching it awake saves a wake-up. */
#define SPIN_NS 50000
/* An answer that takes no lock in the kernel is there within this time. */
#define LOOK_NS 20000

enum state { IDLE, READY, STOP };
/* Who takes the result of the job. */
enum claim { NOTIFY, AWAITED, SLEPT_FOR, ENDED };

struct iothread {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  atomic_int state;
  atomic_int claim;
  atomic_int cpu; /* where the thread ran last: who spins there keeps it from running */
  bool asleep; /* under lock */
  struct io_job job;
  ssize_t result;
  void (*notify)(void *owner, bool ended);
  void *owner;
};

int core_thread(pthread_t *thread, void *(*main)(void *), void *arg) {
  pthread_attr_t attr;
  sigset_t all, old;
  int e = pthread_attr_init(&attr);
  if (e) return -e;
  (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  e = pthread_create(thread, &attr, main, arg);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  return -e;
}

bool core_may_spin(void) {
  return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

uint64_t core_now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int next_state(iothread *io, bool spin) {
  int state;
  if (spin) {
    uint64_t end = core_now() + SPIN_NS;
    do {
      for (int i = 0; i < 16; i++) {
        state = atomic_load_explicit(&io->state, memory_order_acquire);
        if (state != IDLE) return state;
        relax();
      }
    } while (core_now() < end);
  }
  pthread_mutex_lock(&io->lock);
  while ((state = atomic_load_explicit(&io->state, memory_order_acquire)) == IDLE) {
    io->asleep = true;
    pthread_cond_wait(&io->wake, &io->lock);
    io->asleep = false;
  }
  pthread_mutex_unlock(&io->lock);
  return state;
}

static void *io_main(void *arg) {
  iothread *io = arg;
  bool may_spin = core_may_spin(), spin = false;
  while (next_state(io, spin) != STOP) {
    struct io_job *job = &io->job;
    ssize_t r = job->message ? core_send(job->fd, job->message, job->length, NULL, 0) : 0;
    if (r >= 0) r = job->one ? core_recv_one(job->fd, &job->slab) : core_recv(job->fd, job->kind, &job->slab);
    io->result = r;
    /* Before the end is told: after it the owner may submit the next job. */
    int cpu = sched_getcpu();
    spin = may_spin && cpu != job->cpu;
    atomic_store_explicit(&io->cpu, cpu, memory_order_relaxed);
    atomic_store_explicit(&io->state, IDLE, memory_order_release);
    int claim = atomic_exchange(&io->claim, ENDED);
    if (claim == NOTIFY) io->notify(io->owner, false);
    else if (claim == SLEPT_FOR) (void)syscall(SYS_futex, &io->claim, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
  io->notify(io->owner, true);
  return NULL;
}

int io_start(iothread **out, void (*notify)(void *, bool), void *owner) {
  iothread *io = calloc(1, sizeof *io);
  if (!io) return -ENOMEM;
  io->notify = notify;
  io->owner = owner;
  int e = pthread_mutex_init(&io->lock, NULL);
  if (e) {
    free(io);
    return -e;
  }
  e = pthread_cond_init(&io->wake, NULL);
  if (e == 0) {
    e = -core_thread(&io->thread, io_main, io);
    if (e == 0) {
      *out = io;
      return 0;
    }
    pthread_cond_destroy(&io->wake);
  }
  pthread_mutex_destroy(&io->lock);
  free(io);
  return -e;
}

static bool post(iothread *io, int state) {
  pthread_mutex_lock(&io->lock);
  atomic_store_explicit(&io->state, state, memory_order_release);
  bool asleep = io->asleep;
  pthread_mutex_unlock(&io->lock);
  if (asleep) pthread_cond_signal(&io->wake);
  return !asleep;
}

bool io_submit(iothread *io, const struct io_job *job, bool awaited) {
  io->job = *job;
  io->job.cpu = sched_getcpu();
  atomic_store_explicit(&io->claim, awaited ? AWAITED : NOTIFY, memory_order_relaxed);
  return post(io, READY);
}

static bool ended(iothread *io) {
  return atomic_load_explicit(&io->claim, memory_order_acquire) == ENDED;
}

bool io_wait(iothread *io, bool awake, uint64_t ns) {
  uint64_t begin = core_now(), spent = 0;
  bool spin = awake && atomic_load_explicit(&io->cpu, memory_order_relaxed) != io->job.cpu;
  while (spin && spent < LOOK_NS && spent < ns) {
    for (int i = 0; i < 16; i++) {
      if (ended(io)) return true;
      relax();
    }
    spent = core_now() - begin;
  }
  int claim = AWAITED;
  if (!atomic_compare_exchange_strong(&io->claim, &claim, SLEPT_FOR)) return true;
  while (!ended(io) && (spent = core_now() - begin) < ns) {
    struct timespec left = {.tv_sec = 0, .tv_nsec = (long)(ns - spent)};
    (void)syscall(SYS_futex, &io->claim, FUTEX_WAIT_PRIVATE, SLEPT_FOR, &left, NULL, 0);
  }
  claim = SLEPT_FOR;
  return !atomic_compare_exchange_strong(&io->claim, &claim, AWAITED);
}

bool io_leave(iothread *io) {
  int claim = AWAITED;
  return !atomic_compare_exchange_strong(&io->claim, &claim, NOTIFY);
}

ssize_t io_result(const iothread *io) {
  return io->result;
}

void io_stop(iothread *io) {
  (void)post(io, STOP);
}

void io_join(iothread *io) {
  pthread_join(io->thread, NULL);
  pthread_cond_destroy(&io->wake);
  pthread_mutex_destroy(&io->lock);
  free(io);
}

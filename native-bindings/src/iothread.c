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

/* Who takes the result of the job; ENDED: of the next one nobody waits for. */
enum claim { NOTIFY, AWAITED, SLEPT_FOR, ENDED };

struct iothread {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  atomic_uint jobs; /* that were ever submitted, and the end as one more */
  atomic_bool stopped;
  atomic_int claim;
  atomic_int cpu; /* where the thread ran last: who spins there keeps it from running */
  bool asleep; /* under lock */
  struct io_job job[IO_DEPTH];
  ssize_t result[IO_DEPTH];
  void (*notify)(void *owner, unsigned place);
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

static bool submitted(iothread *io, unsigned done) {
  return atomic_load_explicit(&io->jobs, memory_order_acquire) != done;
}

/* Waits until there is more than what is done; false: it was the end. */
static bool more(iothread *io, unsigned done, bool spin) {
  if (spin) {
    uint64_t end = core_now() + SPIN_NS;
    do {
      for (int i = 0; i < 16; i++) {
        if (submitted(io, done)) return !atomic_load(&io->stopped);
        relax();
      }
    } while (core_now() < end);
  }
  pthread_mutex_lock(&io->lock);
  while (!submitted(io, done)) {
    io->asleep = true;
    pthread_cond_wait(&io->wake, &io->lock);
    io->asleep = false;
  }
  pthread_mutex_unlock(&io->lock);
  return !atomic_load(&io->stopped);
}

static void *io_main(void *arg) {
  iothread *io = arg;
  bool may_spin = core_may_spin(), spin = false;
  for (unsigned done = 0; more(io, done, spin); done++) {
    unsigned place = done % IO_DEPTH;
    struct io_job *job = &io->job[place];
    ssize_t r = job->message ? core_send(job->fd, job->message, job->length, NULL, 0) : 0;
    if (r >= 0) r = job->one ? core_recv_one(job->fd, &job->slab) : core_recv(job->fd, job->kind, &job->slab);
    io->result[place] = r;
    /* Before the end is told: after it the owner may put another job here. */
    int cpu = sched_getcpu();
    spin = may_spin && cpu != job->cpu;
    atomic_store_explicit(&io->cpu, cpu, memory_order_relaxed);
    int claim = atomic_exchange(&io->claim, ENDED);
    if (claim == SLEPT_FOR) (void)syscall(SYS_futex, &io->claim, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    else if (claim != AWAITED) io->notify(io->owner, place);
  }
  io->notify(io->owner, IO_DEPTH);
  return NULL;
}

int io_start(iothread **out, void (*notify)(void *, unsigned), void *owner) {
  iothread *io = calloc(1, sizeof *io);
  if (!io) return -ENOMEM;
  io->notify = notify;
  io->owner = owner;
  atomic_init(&io->claim, ENDED);
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

static bool tell(iothread *io) {
  pthread_mutex_lock(&io->lock);
  atomic_fetch_add_explicit(&io->jobs, 1, memory_order_release);
  bool asleep = io->asleep;
  pthread_mutex_unlock(&io->lock);
  if (asleep) pthread_cond_signal(&io->wake);
  return !asleep;
}

unsigned io_place(const iothread *io) {
  return atomic_load_explicit(&io->jobs, memory_order_relaxed) % IO_DEPTH;
}

bool io_submit(iothread *io, const struct io_job *job, bool awaited) {
  struct io_job *own = &io->job[io_place(io)];
  *own = *job;
  own->cpu = sched_getcpu();
  if (awaited) atomic_store_explicit(&io->claim, AWAITED, memory_order_relaxed);
  return tell(io);
}

static bool ended(iothread *io) {
  return atomic_load_explicit(&io->claim, memory_order_acquire) == ENDED;
}

bool io_wait(iothread *io, bool awake, uint64_t ns) {
  uint64_t begin = core_now(), spent = 0;
  bool spin = awake && atomic_load_explicit(&io->cpu, memory_order_relaxed) != sched_getcpu();
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

ssize_t io_result(const iothread *io, unsigned place) {
  return io->result[place];
}

void io_stop(iothread *io) {
  atomic_store(&io->stopped, true);
  (void)tell(io);
}

void io_join(iothread *io) {
  pthread_join(io->thread, NULL);
  pthread_cond_destroy(&io->wake);
  pthread_mutex_destroy(&io->lock);
  free(io);
}

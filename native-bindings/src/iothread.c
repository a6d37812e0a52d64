/* A thread that runs one socket's requests: the kernel executes a netlink request inside sendmsg, and each part of a
 * dump inside recvmsg, and may sleep there on its own locks. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define STACK_BYTES (1024 * 1024)
#else
#define STACK_BYTES (128 * 1024)
#endif
/* A caller that waits for each answer sends the next request within this time; catching it awake saves a wake-up. */
#define SPIN_NS 20000

enum state { IDLE, READY, STOP };

struct iothread {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  atomic_int state;
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
  bool spin = core_may_spin(), warm = false;
  while (next_state(io, spin && warm) != STOP) {
    struct io_job *job = &io->job;
    ssize_t r = job->message ? core_send(job->fd, job->message, job->length, NULL, 0) : 0;
    io->result = r < 0 ? r : core_recv(job->fd, job->kind, &job->slab);
    /* Before notify: after it the owner may submit the next job. */
    atomic_store_explicit(&io->state, IDLE, memory_order_release);
    warm = true;
    io->notify(io->owner, false);
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

static void post(iothread *io, int state) {
  pthread_mutex_lock(&io->lock);
  atomic_store_explicit(&io->state, state, memory_order_release);
  bool asleep = io->asleep;
  pthread_mutex_unlock(&io->lock);
  if (asleep) pthread_cond_signal(&io->wake);
}

void io_submit(iothread *io, const struct io_job *job) {
  io->job = *job;
  post(io, READY);
}

ssize_t io_result(const iothread *io) {
  return io->result;
}

void io_stop(iothread *io) {
  post(io, STOP);
}

void io_join(iothread *io) {
  pthread_join(io->thread, NULL);
  pthread_cond_destroy(&io->wake);
  pthread_mutex_destroy(&io->lock);
  free(io);
}

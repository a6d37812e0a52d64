/* The kernel-facing half: plain C11 and libc, no Node header.
 * Every function returns >= 0, or -errno. */
#ifndef LINKWRIGHT_CORE_H
#define LINKWRIGHT_CORE_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One received datagram, as laid out in the caller's Uint32Array. */
struct core_meta {
  uint32_t length; /* the real one, even when the datagram was cut */
  uint32_t flags;  /* msg_flags */
  uint32_t port;
  uint32_t group;
  uint32_t nsid;
};
#define CORE_META_WORDS (sizeof(struct core_meta) / sizeof(uint32_t))
#define CORE_BATCH_MAX 32
#define CORE_NONE 0xffffffffu

/* Where datagrams go: each at i * slot, described by meta[i]. */
struct core_slab {
  unsigned char *data;
  size_t length;
  size_t slot;
  struct core_meta *meta;
  size_t meta_max;
};

/* What recv must know about the socket. */
struct core_kind {
  bool netlink;
  bool stream;
};

/* ---- socket.c ---- */
int core_socket(int domain, int type, int protocol);
int core_bind(int fd, const void *address, size_t length);
int core_connect(int fd, const void *address, size_t length);
int core_listen(int fd, int backlog);
/* A connection that waits, and who made it (a struct ucred), as SO_PEERCRED has it. The descriptor is the caller's. */
int core_accept(int fd, void *peer, size_t length);
int core_address(int fd, void *out, size_t length);
int core_setopt(int fd, int level, int name, const void *value, size_t length);
int core_getopt(int fd, int level, int name, void *out, size_t length);
ssize_t core_send(int fd, const void *data, size_t length, const void *to, size_t to_length);
int core_slab_check(const struct core_slab *slab);
int core_recv(int fd, struct core_kind kind, const struct core_slab *slab);
/* One datagram that is known to be an answer: neither group nor namespace is asked for. Returns 1, or -errno. */
int core_recv_one(int fd, const struct core_slab *slab);
/* The pending error of a socket as -errno; reading it clears it. */
int core_take_error(int fd);

/* ---- iothread.c ---- */
/* A thread with a small stack that never runs a signal handler of the embedding program. */
int core_thread(pthread_t *thread, void *(*main)(void *), void *arg);
/* Spinning only pays where another processor can do the work meanwhile. */
bool core_may_spin(void);
uint64_t core_now(void);

struct io_job {
  int fd;
  struct core_kind kind;
  const void *message; /* NULL: receive only */
  size_t length;
  struct core_slab slab;
  bool one; /* core_recv_one */
  int cpu;  /* where it was submitted; io_submit's own */
};
typedef struct iothread iothread;
/* Jobs that a thread may have: while one is carried out the next one waits for it, so that nobody has to be woken between
 * the two. Each stands in the place after the one before. */
#define IO_DEPTH 2u
/* `notify` runs on the new thread after each job that io_wait did not see the end of, with its place, and once more, with
 * IO_DEPTH, as the last thing it does. */
int io_start(iothread **out, void (*notify)(void *owner, unsigned place), void *owner);
/* The place of the next job. */
unsigned io_place(const iothread *io);
/* Only where the place is free: after notify, or when io_wait or io_leave has seen the end. `awaited`: one of these
 * follows, and it is the only job. false: the thread had to be woken, which takes longer than most jobs. */
bool io_submit(iothread *io, const struct io_job *job, bool awaited);
/* Waits for the end of an awaited job, for less than a second. `awake`: what io_submit returned. */
bool io_wait(iothread *io, bool awake, uint64_t ns);
/* From here on notify tells the end of an awaited job; true: it has ended already, and notify is not called. */
bool io_leave(iothread *io);
/* Of the job at this place, until the next one is put there. */
ssize_t io_result(const iothread *io, unsigned place);
/* Once there is no job any more. */
void io_stop(iothread *io);
void io_join(iothread *io);

/* ---- netns.c ---- */
/* A socket made inside a namespace by a short-lived thread, so that the caller's namespace never changes. -1: here. */
int core_socket_in(int ns_fd, int domain, int type, int protocol);

enum core_op { CORE_READ, CORE_WRITE, CORE_LIST };
/* One file as seen from a namespace; for a thread of its own, which ends in that namespace. */
struct core_job {
  enum core_op op;
  int ns_fd; /* the job's own; -1: where the thread is */
  char *path;
  void *buffer;
  size_t length;
  char *names; /* CORE_LIST: NUL-terminated names one after the other */
  size_t names_length;
};
/* On the caller's thread: checks the path, and takes a descriptor of its own, so that the caller may close his. */
int core_job_begin(struct core_job *job, int ns_fd);
ssize_t core_job_run(struct core_job *job);
/* Frees the names and closes the descriptor; path and buffer stay the caller's. */
void core_job_end(struct core_job *job);
int core_setns(int ns_fd);
/* A descriptor of one's own for the same namespace, so that the caller may close his. */
int core_dup_ns(int ns_fd);
/* A descriptor of the calling thread's namespace that the registry does not know. */
int core_self_ns(void);
/* unshare(2) in the calling thread, which must be of no further use. */
int core_new_ns(void);
int core_open_ns(const char *path);
/* Only what was put into the registry may be closed through ns_close. */
int core_ns_register(int fd);
/* `only`: the inode that it must have, 0 for any. */
int core_ns_close(int fd, uint64_t only);
/* The inode behind a descriptor if it is a network namespace, else 0. */
uint64_t core_ns_inode(int fd);
int core_bind_ns(int ns_fd, const char *path);
int core_unbind_ns(const char *path);
int core_share_dir(const char *dir);

/* ---- tun.c ---- */
/* A tun or tap device that stays when its maker is gone; for a thread of its own, which ends in that namespace. */
struct core_tun {
  int ns_fd; /* its own; -1: where the thread is */
  char name[16];
  uint32_t flags; /* IFF_TUN or IFF_TAP, IFF_NO_PI, IFF_ONE_QUEUE, IFF_VNET_HDR, IFF_MULTI_QUEUE */
  uint32_t owner, group; /* CORE_NONE: only who has the privilege */
};
/* On the caller's thread: checks name and flags, and takes a descriptor of its own. */
int core_tun_begin(struct core_tun *tun, int ns_fd);
/* -EEXIST where there is a device of this name; nothing is left behind where a later step is refused. */
int core_tun_run(struct core_tun *tun);
void core_tun_end(struct core_tun *tun);
#endif

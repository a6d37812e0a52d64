/* Network namespaces. */
#define _GNU_SOURCE
#include "core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif
#ifndef NS_GET_NSTYPE
#define NS_GET_NSTYPE _IO(0xb7, 3)
#endif

int core_setns(int ns_fd) {
  return setns(ns_fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

int core_self_ns(void) {
  /* thread-self, not self: /proc/self is what the main thread sees. */
  int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int core_new_ns(void) {
  return unshare(CLONE_NEWNET) < 0 ? -errno : core_self_ns();
}

static bool climbs(const char *path) {
  for (const char *p = path; (p = strstr(p, "..")); p += 2)
    if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0')) return true;
  return false;
}

static bool starts(const char *path, const char *with) {
  return strncmp(path, with, strlen(with)) == 0;
}

static bool is_net_ns(int fd) {
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == NSFS_MAGIC && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

int core_open_ns(const char *path) {
  /* /proc/<pid>/ns/net is a magic link and has to be followed. NONBLOCK: a FIFO must not hold the caller. */
  int follow = starts(path, "/proc/") && !climbs(path) ? 0 : O_NOFOLLOW;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | follow);
  if (fd < 0) return -errno;
  if (!is_net_ns(fd)) {
    close(fd);
    return -EINVAL;
  }
  return fd;
}

/* ---- the registry: inode of each descriptor that this layer gave out, by number; 0 where there is none ---- */

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *registry;
static size_t registry_size;

/* The system call itself: older versions of glibc have no fstat that a library without libc's own static part could
 * use. */
uint64_t core_ns_inode(int fd) {
  struct stat st;
  if (!is_net_ns(fd) || syscall(SYS_fstat, fd, &st) < 0) return 0;
  return st.st_ino;
}

int core_ns_register(int fd) {
  if (fd < 0) return fd;
  uint64_t inode = core_ns_inode(fd);
  size_t at = (size_t)fd;
  int e = inode == 0 ? -EINVAL : fd;
  pthread_mutex_lock(&registry_lock);
  if (e >= 0 && at >= registry_size) {
    size_t size = (at | 63) + 1;
    uint64_t *grown = realloc(registry, size * sizeof *grown);
    if (grown) {
      memset(grown + registry_size, 0, (size - registry_size) * sizeof *grown);
      registry = grown;
      registry_size = size;
    } else {
      e = -ENOMEM;
    }
  }
  if (e >= 0) registry[at] = inode;
  pthread_mutex_unlock(&registry_lock);
  if (e < 0) close(fd);
  return e;
}

int core_ns_close(int fd, uint64_t only) {
  int e = -EBADF;
  pthread_mutex_lock(&registry_lock);
  if (fd >= 0 && (size_t)fd < registry_size && registry[fd] != 0 &&
      (only == 0 || only == registry[fd])) {
    /* Somebody else may have closed it, and the number may be in use for another thing by now. */
    if (core_ns_inode(fd) == registry[fd]) {
      close(fd);
      e = 0;
    }
    registry[fd] = 0;
  }
  pthread_mutex_unlock(&registry_lock);
  return e;
}

/* ---- work inside a namespace ---- */

/* Only what changes with the namespace of the thread; /proc/net would be the main thread's view. */
static bool inside(const char *path, enum core_op op) {
  if (climbs(path)) return false;
  if (op == CORE_LIST && strcmp(path, "/proc/sys") == 0) return true;
  return starts(path, "/proc/sys/") || (op != CORE_LIST && starts(path, "/proc/thread-self/net/"));
}

static ssize_t read_file(struct core_job *job) {
  int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  size_t done = 0;
  ssize_t r = 0;
  if (fd < 0) return -errno;
  while (done < job->length) {
    r = read(fd, (char *)job->buffer + done, job->length - done);
    if (r < 0 && errno == EINTR) continue;
    if (r <= 0) break;
    done += (size_t)r;
  }
  r = r < 0 ? -errno : (ssize_t)done;
  close(fd);
  return r;
}

/* A sysctl takes its value from one write. */
static ssize_t write_file(struct core_job *job) {
  ssize_t r;
  int fd = open(job->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -errno;
  do r = write(fd, job->buffer, job->length);
  while (r < 0 && errno == EINTR);
  if (r < 0) r = -errno;
  close(fd);
  return r;
}

static ssize_t list_dir(struct core_job *job) {
  size_t room = 0;
  ssize_t count = 0;
  struct dirent *entry;
  int fd = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  DIR *dir = fdopendir(fd);
  if (!dir) {
    int e = errno;
    close(fd);
    return -e;
  }
  while (errno = 0, (entry = readdir(dir))) {
    size_t n = strlen(entry->d_name) + 1;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (job->names_length + n > room) {
      room = (job->names_length + n) * 2 + 1024;
      char *grown = realloc(job->names, room);
      if (!grown) {
        errno = ENOMEM;
        break;
      }
      job->names = grown;
    }
    memcpy(job->names + job->names_length, entry->d_name, n);
    job->names_length += n;
    count++;
  }
  if (errno != 0) count = -errno;
  closedir(dir);
  return count;
}

int core_dup_ns(int ns_fd) {
  /* The system call itself: fcntl has another name in newer versions of glibc. */
  long fd = syscall(SYS_fcntl, ns_fd, F_DUPFD_CLOEXEC, 0);
  return fd < 0 ? -errno : (int)fd;
}

int core_job_begin(struct core_job *job, int ns_fd) {
  job->ns_fd = -1;
  if (!inside(job->path, job->op)) return -EINVAL;
  if (ns_fd == -1) return 0;
  int fd = core_dup_ns(ns_fd);
  if (fd < 0) return fd;
  job->ns_fd = fd;
  return 0;
}

static void let_go(struct core_job *job) {
  if (job->ns_fd >= 0) close(job->ns_fd);
  job->ns_fd = -1;
}

ssize_t core_job_run(struct core_job *job) {
  ssize_t r = job->ns_fd < 0 ? 0 : core_setns(job->ns_fd);
  let_go(job);
  if (r < 0) return r;
  switch (job->op) {
    case CORE_READ: return read_file(job);
    case CORE_WRITE: return write_file(job);
    case CORE_LIST: return list_dir(job);
  }
  return -ENOSYS;
}

void core_job_end(struct core_job *job) {
  let_go(job);
  free(job->names);
}

struct call {
  int ns_fd, domain, type, protocol, result;
};

static void *call_main(void *arg) {
  struct call *call = arg;
  int e = core_setns(call->ns_fd);
  call->result = e < 0 ? e : core_socket(call->domain, call->type, call->protocol);
  return NULL;
}

int core_socket_in(int ns_fd, int domain, int type, int protocol) {
  struct call call = {.ns_fd = ns_fd, .domain = domain, .type = type, .protocol = protocol};
  pthread_t thread;
  if (ns_fd == -1) return core_socket(domain, type, protocol);
  int e = core_thread(&thread, call_main, &call);
  if (e < 0) return e;
  pthread_join(thread, NULL);
  return call.result;
}

/* ---- named namespaces ---- */

int core_share_dir(const char *dir) {
  if (mkdir(dir, 0755) < 0 && errno != EEXIST) return -errno;
  if (mount("none", dir, "none", MS_SHARED | MS_REC, NULL) == 0) return 0;
  if (errno != EINVAL) return -errno; /* EINVAL: no mount point yet */
  if (mount(dir, dir, "none", MS_BIND | MS_REC, NULL) < 0) return -errno;
  return mount("none", dir, "none", MS_SHARED | MS_REC, NULL) < 0 ? -errno : 0;
}

int core_bind_ns(int ns_fd, const char *path) {
  char source[64];
  int own = -1, e = 0;
  if (ns_fd == -1 && (ns_fd = own = core_self_ns()) < 0) return own;
  /* The kernel binds any file onto a file: only a namespace gets the name. */
  if (core_ns_inode(ns_fd) == 0) {
    e = -EBADF;
  } else {
    int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
    e = fd < 0 ? -errno : 0;
    if (fd >= 0) close(fd);
  }
  if (e == 0) {
    (void)snprintf(source, sizeof source, "/proc/thread-self/fd/%d", ns_fd);
    if (mount(source, path, "none", MS_BIND, NULL) < 0) {
      e = -errno;
      (void)unlink(path);
    }
  }
  if (own >= 0) close(own);
  return e;
}

int core_unbind_ns(const char *path) {
  /* EINVAL: a plain file that is no mount point, left by somebody who died half-way. */
  if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL) return -errno;
  return unlink(path) < 0 ? -errno : 0;
}

/* Socket calls. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

int core_socket(int domain, int type, int protocol) {
  int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  return fd < 0 ? -errno : fd;
}

int core_bind(int fd, const void *address, size_t length) {
  if (length > sizeof(struct sockaddr_storage)) return -EINVAL;
  return bind(fd, address, (socklen_t)length) < 0 ? -errno : 0;
}

int core_connect(int fd, const void *address, size_t length) {
  int r;
  if (length > sizeof(struct sockaddr_storage)) return -EINVAL;
  do r = connect(fd, address, (socklen_t)length);
  while (r < 0 && errno == EINTR);
  return r < 0 ? -errno : 0;
}

int core_listen(int fd, int backlog) {
  return listen(fd, backlog) < 0 ? -errno : 0;
}

int core_accept(int fd, void *peer, size_t length) {
  struct ucred who;
  socklen_t n = sizeof who;
  int r;
  if (length != sizeof who) return -EINVAL;
  do r = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  while (r < 0 && errno == EINTR);
  if (r < 0) return -errno;
  if (getsockopt(r, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0) {
    int e = errno;
    close(r);
    return -e;
  }
  memcpy(peer, &who, sizeof who);
  return r;
}

int core_address(int fd, void *out, size_t length) {
  socklen_t n = length > INT_MAX ? INT_MAX : (socklen_t)length;
  return getsockname(fd, out, &n) < 0 ? -errno : (int)n;
}

int core_setopt(int fd, int level, int name, const void *value, size_t length) {
  if (length > INT_MAX) return -EINVAL;
  return setsockopt(fd, level, name, value, (socklen_t)length) < 0 ? -errno : 0;
}

int core_getopt(int fd, int level, int name, void *out, size_t length) {
  socklen_t n = length > INT_MAX ? INT_MAX : (socklen_t)length;
  return getsockopt(fd, level, name, out, &n) < 0 ? -errno : (int)n;
}

int core_take_error(int fd) {
  int error = 0;
  socklen_t n = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 ? -errno : -error;
}

ssize_t core_send(int fd, const void *data, size_t length, const void *to, size_t to_length) {
  ssize_t n;
  if (to_length > sizeof(struct sockaddr_storage)) return -EINVAL;
  do n = sendto(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, to, (socklen_t)to_length);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int core_slab_check(const struct core_slab *slab) {
  return slab->slot == 0 || slab->slot > slab->length || slab->meta_max == 0 ? -EINVAL : 0;
}

static void describe(struct core_meta *meta, const struct mmsghdr *mm, const struct sockaddr_nl *from) {
  struct msghdr head = mm->msg_hdr;
  meta->length = mm->msg_len;
  meta->flags = (uint32_t)head.msg_flags;
  meta->port = head.msg_namelen >= sizeof *from && from->nl_family == AF_NETLINK ? from->nl_pid : CORE_NONE;
  meta->group = 0;
  meta->nsid = CORE_NONE;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&head); c; c = CMSG_NXTHDR(&head, c)) {
    if (c->cmsg_level != SOL_NETLINK) continue;
    if (c->cmsg_type == NETLINK_PKTINFO) {
      struct nl_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      meta->group = info.group;
    } else if (c->cmsg_type == NETLINK_LISTEN_ALL_NSID) {
      memcpy(&meta->nsid, CMSG_DATA(c), sizeof meta->nsid);
    }
  }
}

int core_recv_one(int fd, const struct core_slab *slab) {
  struct sockaddr_nl from = {.nl_family = AF_UNSPEC};
  socklen_t size = sizeof from;
  ssize_t n;
  if (core_slab_check(slab) < 0) return -EINVAL;
  do n = recvfrom(fd, slab->data, slab->slot, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &size);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  *slab->meta = (struct core_meta){.length = (uint32_t)n, .nsid = CORE_NONE};
  slab->meta->flags = (size_t)n > slab->slot ? MSG_TRUNC : 0;
  slab->meta->port = size >= sizeof from && from.nl_family == AF_NETLINK ? from.nl_pid : CORE_NONE;
  return 1;
}

int core_recv(int fd, struct core_kind kind, const struct core_slab *slab) {
  struct mmsghdr mm[CORE_BATCH_MAX];
  struct iovec iov[CORE_BATCH_MAX];
  struct sockaddr_nl from[CORE_BATCH_MAX];
  union {
    struct cmsghdr align;
    char space[CMSG_SPACE(sizeof(struct nl_pktinfo)) + CMSG_SPACE(sizeof(int))];
  } control[CORE_BATCH_MAX];
  size_t max = CORE_BATCH_MAX;
  /* On a stream MSG_TRUNC would throw the bytes away. */
  int n, flags = MSG_DONTWAIT | (kind.stream ? 0 : MSG_TRUNC);
  if (core_slab_check(slab) < 0) return -EINVAL;
  if (max > slab->length / slab->slot) max = slab->length / slab->slot;
  if (max > slab->meta_max) max = slab->meta_max;
  if (kind.stream) max = 1;
  for (size_t i = 0; i < max; i++) {
    iov[i] = (struct iovec){.iov_base = slab->data + i * slab->slot, .iov_len = slab->slot};
    from[i].nl_family = AF_UNSPEC;
    memset(&mm[i], 0, sizeof mm[i]);
    mm[i].msg_hdr.msg_name = &from[i];
    mm[i].msg_hdr.msg_namelen = sizeof from[i];
    mm[i].msg_hdr.msg_iov = &iov[i];
    mm[i].msg_hdr.msg_iovlen = 1;
    if (!kind.netlink) continue; /* no room for control data: a unix peer cannot push descriptors at us */
    mm[i].msg_hdr.msg_control = &control[i];
    mm[i].msg_hdr.msg_controllen = sizeof control[i];
  }
  do n = recvmmsg(fd, mm, (unsigned)max, flags, NULL);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  for (int i = 0; i < n; i++) describe(&slab->meta[i], &mm[i], &from[i]);
  return n;
}

/* Tun and tap devices, which only their character device makes. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MODES (IFF_TUN | IFF_TAP)
#define FLAGS (MODES | IFF_NO_PI | IFF_ONE_QUEUE | IFF_VNET_HDR | IFF_MULTI_QUEUE)

int core_tun_begin(struct core_tun *tun, int ns_fd) {
  size_t length = strlen(tun->name);
  uint32_t mode = tun->flags & MODES;
  tun->ns_fd = -1;
  /* A name with % would be a pattern. */
  if (length == 0 || length >= IFNAMSIZ || strchr(tun->name, '%')) return -EINVAL;
  if ((mode != IFF_TUN && mode != IFF_TAP) || (tun->flags & ~(uint32_t)FLAGS)) return -EINVAL;
  if (ns_fd == -1) return 0;
  int fd = core_dup_ns(ns_fd);
  if (fd < 0) return fd;
  tun->ns_fd = fd;
  return 0;
}

/* Goes by itself at the close of its descriptor, as long as the last step was not taken. */
static int make(int fd, const struct core_tun *tun) {
  struct ifreq request = {.ifr_flags = (short)(tun->flags | IFF_TUN_EXCL)};
  memcpy(request.ifr_name, tun->name, strlen(tun->name));
  /* Where the name is taken this one says busy. */
  if (ioctl(fd, TUNSETIFF, &request) < 0) return errno == EBUSY ? -EEXIST : -errno;
  if (tun->owner != CORE_NONE && ioctl(fd, TUNSETOWNER, (unsigned long)tun->owner) < 0) return -errno;
  if (tun->group != CORE_NONE && ioctl(fd, TUNSETGROUP, (unsigned long)tun->group) < 0) return -errno;
  return ioctl(fd, TUNSETPERSIST, 1UL) < 0 ? -errno : 0;
}

int core_tun_run(struct core_tun *tun) {
  int e = tun->ns_fd < 0 ? 0 : core_setns(tun->ns_fd);
  core_tun_end(tun);
  if (e < 0) return e;
  /* The namespace of the thread that opens it is the one where the device will be. */
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -errno;
  e = make(fd, tun);
  close(fd);
  return e;
}

void core_tun_end(struct core_tun *tun) {
  if (tun->ns_fd >= 0) close(tun->ns_fd);
  tun->ns_fd = -1;
}

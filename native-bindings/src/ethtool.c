/* SIOCETHTOOL: what the kernel tells of a device in no other way, and what one before 5.6 tells in no other way. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX (1u << 20)

static uint32_t word(const unsigned char *data, size_t at) {
  uint32_t value;
  memcpy(&value, data + at, sizeof value);
  return value;
}

static bool counted(const unsigned char *data, size_t length, size_t head, size_t count_at, size_t item) {
  return length >= head && word(data, count_at) <= (length - head) / item;
}

/* As many words in each of three sets of modes as the request says, or, where it asks for that number, none. */
static bool has_modes(const unsigned char *data, size_t length) {
  struct ethtool_link_settings asked;
  if (length < sizeof asked) return false;
  memcpy(&asked, data, sizeof asked);
  int words = asked.link_mode_masks_nwords;
  return words <= 0 || length - sizeof asked >= 3 * sizeof(uint32_t) * (size_t)words;
}

/* Whether the command is one of ours, and the array has room for everything that its own count promises. */
static bool fits(const unsigned char *data, size_t length) {
  if (length < sizeof(uint32_t) || length > REQUEST_MAX) return false;
  switch (word(data, 0)) {
    case ETHTOOL_GDRVINFO: return length >= sizeof(struct ethtool_drvinfo);
    case ETHTOOL_GLINK: return length >= sizeof(struct ethtool_value);
    case ETHTOOL_GCOALESCE:
    case ETHTOOL_SCOALESCE: return length >= sizeof(struct ethtool_coalesce);
    case ETHTOOL_GRINGPARAM:
    case ETHTOOL_SRINGPARAM: return length >= sizeof(struct ethtool_ringparam);
    case ETHTOOL_GPAUSEPARAM:
    case ETHTOOL_SPAUSEPARAM: return length >= sizeof(struct ethtool_pauseparam);
    case ETHTOOL_GCHANNELS:
    case ETHTOOL_SCHANNELS: return length >= sizeof(struct ethtool_channels);
    case ETHTOOL_GLINKSETTINGS:
    case ETHTOOL_SLINKSETTINGS: return has_modes(data, length);
    /* A length for each bit of the mask, which has 64. */
    case ETHTOOL_GSSET_INFO: return length >= sizeof(struct ethtool_sset_info) + 64 * sizeof(uint32_t);
    case ETHTOOL_GSTRINGS:
      return counted(data, length, sizeof(struct ethtool_gstrings), offsetof(struct ethtool_gstrings, len), ETH_GSTRING_LEN);
    case ETHTOOL_GSTATS:
      return counted(data, length, sizeof(struct ethtool_stats), offsetof(struct ethtool_stats, n_stats), sizeof(uint64_t));
    case ETHTOOL_GFEATURES:
      return counted(data, length, sizeof(struct ethtool_gfeatures), offsetof(struct ethtool_gfeatures, size),
                     sizeof(struct ethtool_get_features_block));
    case ETHTOOL_SFEATURES:
      return counted(data, length, sizeof(struct ethtool_sfeatures), offsetof(struct ethtool_sfeatures, size),
                     sizeof(struct ethtool_set_features_block));
    default: return false;
  }
}

typedef struct {
  errand errand;
  int ns_fd; /* its own; -1: where the thread is */
  char device[IFNAMSIZ];
  unsigned char *area; /* ends with a page that nobody may touch, and data ends right before it */
  size_t area_length;
  unsigned char *data;
  size_t length;
  napi_ref out;
  int result;
} asker;

/* Older kernels write as many strings and statistics as the device has at that moment, whatever the caller's count was:
 * the closed page makes a device that has grown an error (-EFAULT) instead of a write past the end. */
static int make_room(asker *k, const void *data, size_t length) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t open = (length + page - 1) / page * page;
  void *area = mmap(NULL, open + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return -errno;
  k->area = area;
  k->area_length = open + page;
  if (mprotect(k->area + open, page, PROT_NONE) < 0) return -errno;
  k->data = k->area + open - length;
  k->length = length;
  memcpy(k->data, data, length);
  return 0;
}

static int ask(asker *k) {
  struct ifreq request;
  int e = k->ns_fd < 0 ? 0 : core_setns(k->ns_fd);
  if (e < 0) return e;
  int fd = core_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd == -EAFNOSUPPORT) fd = core_socket(AF_INET6, SOCK_DGRAM, 0);
  if (fd < 0) return fd;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, k->device, IFNAMSIZ);
  request.ifr_data = (void *)k->data;
  e = ioctl(fd, SIOCETHTOOL, &request);
  if (e < 0) e = -errno;
  close(fd);
  return e;
}

static void work_ethtool(errand *e) {
  asker *k = (asker *)(void *)e;
  k->result = ask(k);
}

static napi_value answer_ethtool(errand *e, napi_env env) {
  asker *k = (asker *)(void *)e;
  napi_value out;
  void *data;
  size_t length;
  if (k->result >= 0 && napi_get_reference_value(env, k->out, &out) == napi_ok && out && arg_bytes(env, out, &data, &length) &&
      length > 0)
    memcpy(data, k->data, length < k->length ? length : k->length);
  return to_number(env, k->result);
}

static void drop_ethtool(errand *e, bool told) {
  asker *k = (asker *)(void *)e;
  (void)told;
  if (k->out) napi_delete_reference(e->hub->env, k->out);
  if (k->ns_fd >= 0) close(k->ns_fd);
  if (k->area) munmap(k->area, k->area_length);
  free(k);
}

/* The arguments: descriptor of the namespace, name of the device, request, done. */
napi_value js_ethtool(napi_env env, napi_callback_info info) {
  napi_value a[4];
  int32_t fd;
  void *device, *data;
  size_t device_length, length;
  hub *h = arg_all(env, info, 4, a);
  if (!h || !arg_int(env, a[0], &fd) || !arg_bytes(env, a[1], &device, &device_length) ||
      !arg_bytes(env, a[2], &data, &length) || !arg_function(env, a[3]))
    return NULL;
  if (device_length == 0 || device_length >= IFNAMSIZ || !fits(data, length)) return to_number(env, -EINVAL);
  asker *k = calloc(1, sizeof *k);
  if (!k) return to_number(env, -ENOMEM);
  k->errand = (errand){.hub = h, .work = work_ethtool, .answer = answer_ethtool, .drop = drop_ethtool};
  k->ns_fd = -1;
  memcpy(k->device, device, device_length);
  int e = make_room(k, data, length);
  if (e == 0 && fd != -1) e = k->ns_fd = core_dup_ns(fd);
  if (e < 0) {
    drop_ethtool(&k->errand, false);
    return to_number(env, e);
  }
  if (napi_create_reference(env, a[2], 1, &k->out) != napi_ok) {
    drop_ethtool(&k->errand, false);
    return NULL;
  }
  return errand_start(h, &k->errand, "LINKWRIGHTETHTOOL", a[3]);
}

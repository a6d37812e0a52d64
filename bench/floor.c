/* The floor: the same work in minimal C over the same sockets, with hand-built messages and the best buffer sizes.
 * usage: floor WORKLOAD COUNT   (inside a network namespace of its own); prints {"ns": …, "objects": …}
 * "NAME-dump" reads what "NAME-made" made before, in a process of its own, so that every contestant starts cold. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 16384, SLOT = 32768, SLOTS = 16 };
static int fd;
static uint32_t seq = 1;
static char out[BATCH + 4096] __attribute__((aligned(8)));
static size_t len, begun;
static char in[SLOTS * SLOT] __attribute__((aligned(8)));

static void die(const char *what) {
  perror(what);
  exit(1);
}
static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static void open_socket(void) {
  struct sockaddr_nl a = {.nl_family = AF_NETLINK};
  int one = 1, big = 4 << 20;
  fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0) die("socket");
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big);
}
static void *take(size_t n) {
  void *at = out + len;
  memset(at, 0, NLMSG_ALIGN(n));
  len += NLMSG_ALIGN(n);
  return at;
}
static void begin(uint16_t type, uint16_t flags) {
  begun = len;
  struct nlmsghdr *h = take(sizeof *h);
  h->nlmsg_type = type;
  h->nlmsg_flags = NLM_F_REQUEST | flags;
  h->nlmsg_seq = seq++;
}
static void end(void) { ((struct nlmsghdr *)(out + begun))->nlmsg_len = (uint32_t)(len - begun); }
static size_t nest(uint16_t type) {
  size_t at = len;
  struct rtattr *a = take(sizeof *a);
  a->rta_type = type;
  return at;
}
static void nest_end(size_t at) { ((struct rtattr *)(out + at))->rta_len = (uint16_t)(len - at); }
static void attr(uint16_t type, const void *data, size_t n) {
  size_t at = len;
  take(sizeof(struct rtattr));
  struct rtattr *a = (void *)(out + at);
  a->rta_type = type;
  a->rta_len = (uint16_t)(sizeof *a + n);
  memcpy(take(n), data, n);
}
static void attr32(uint16_t type, uint32_t v) { attr(type, &v, 4); }

/* Sends what was built and waits for the acknowledgement of the last message. */
static void flush(void) {
  if (len == 0) return;
  struct nlmsghdr *last = (void *)(out + begun);
  uint32_t want = last->nlmsg_seq;
  last->nlmsg_flags |= NLM_F_ACK;
  if (send(fd, out, len, 0) < 0) die("send");
  len = 0;
  for (;;) {
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n < 0) die("recv");
    for (struct nlmsghdr *h = (void *)in; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
      if (h->nlmsg_type != NLMSG_ERROR) continue;
      int e = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
      if (e) { errno = -e; die("refused"); }
      if (h->nlmsg_seq == want) return;
    }
  }
}
static void flush_if_full(int each) {
  if (each || len >= BATCH - 512) flush();
}

static void link_begin(uint16_t flags, int index, unsigned up) {
  begin(RTM_NEWLINK, flags);
  struct ifinfomsg *i = take(sizeof *i);
  i->ifi_index = index;
  if (up) i->ifi_flags = i->ifi_change = IFF_UP;
}
static void bridge(int i, int index, unsigned up) {
  char name[16];
  size_t n = (size_t)snprintf(name, sizeof name, "br%d", i) + 1;
  link_begin(NLM_F_CREATE | NLM_F_EXCL, index, up);
  attr(IFLA_IFNAME, name, n);
  size_t info = nest(IFLA_LINKINFO);
  attr(IFLA_INFO_KIND, "bridge", 7);
  nest_end(info);
  end();
}
static void bridges(int count, int each) {
  for (int i = 0; i < count; i++) {
    bridge(i, 0, 0);
    flush_if_full(each);
  }
  flush();
}
static void vxlan(int i, int index, int master) {
  char name[16];
  size_t n = (size_t)snprintf(name, sizeof name, "vx%d", i) + 1;
  uint32_t remote = htonl(0x0a000002);
  uint16_t port = htons(4789);
  link_begin(NLM_F_CREATE | NLM_F_EXCL, index, 1);
  attr(IFLA_IFNAME, name, n);
  if (master) attr32(IFLA_MASTER, (uint32_t)master);
  size_t info = nest(IFLA_LINKINFO);
  attr(IFLA_INFO_KIND, "vxlan", 6);
  size_t data = nest(IFLA_INFO_DATA);
  attr32(IFLA_VXLAN_ID, (uint32_t)(i + 1));
  attr(IFLA_VXLAN_GROUP, &remote, 4);
  attr(IFLA_VXLAN_PORT, &port, 2);
  nest_end(data);
  nest_end(info);
  end();
}
static void vxlans(int count) {
  for (int i = 0; i < count; i++) {
    vxlan(i, 0, 1000);
    flush_if_full(0);
  }
  flush();
}
static void pairs(int count) {
  for (int i = 0; i < count; i++) {
    char name[16];
    size_t n = (size_t)snprintf(name, sizeof name, "va%d", i) + 1;
    link_begin(NLM_F_CREATE | NLM_F_EXCL, 0, 0);
    attr(IFLA_IFNAME, name, n);
    size_t info = nest(IFLA_LINKINFO);
    attr(IFLA_INFO_KIND, "veth", 5);
    nest_end(info);
    end();
    flush_if_full(0);
  }
  flush();
}
static void routes(int count) {
  for (int i = 0; i < count; i++) {
    begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    struct rtmsg *r = take(sizeof *r);
    *r = (struct rtmsg){.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC,
                        .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST};
    attr32(RTA_DST, htonl(0x0a000000u + (uint32_t)i));
    attr32(RTA_OIF, 1000);
    end();
    flush_if_full(0);
  }
  flush();
}
static void entries(int count) {
  for (int i = 0; i < count; i++) {
    uint8_t mac[6] = {2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND);
    struct ndmsg *d = take(sizeof *d);
    *d = (struct ndmsg){.ndm_family = AF_BRIDGE, .ndm_ifindex = 1001, .ndm_state = NUD_PERMANENT, .ndm_flags = NTF_SELF};
    attr(NDA_LLADDR, mac, 6);
    attr32(NDA_DST, htonl(0x0a010000u + (uint32_t)(i & 0xffff)));
    end();
    flush_if_full(0);
  }
  flush();
}

struct seen {
  uint32_t a, b, c, d;
  uint8_t mac[6];
  char name[16];
};
static struct seen *kept;
/* Reads a whole table into structs: the parsing that any user of the dump has to do. */
static size_t dump(uint16_t type, size_t header, const void *fixed, uint16_t first) {
  size_t got = 0;
  begin(type, NLM_F_DUMP);
  memcpy(take(header), fixed, header);
  end();
  if (send(fd, out, len, 0) < 0) die("send");
  len = 0;
  static struct mmsghdr mm[SLOTS];
  static struct iovec iov[SLOTS];
  for (;;) {
    for (int i = 0; i < SLOTS; i++) {
      iov[i] = (struct iovec){in + i * SLOT, SLOT};
      mm[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    int n = recvmmsg(fd, mm, SLOTS, MSG_WAITFORONE, NULL);
    if (n < 0) die("recvmmsg");
    for (int i = 0; i < n; i++) {
      size_t left = mm[i].msg_len;
      for (struct nlmsghdr *h = (void *)(in + i * SLOT); NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_type == NLMSG_DONE) return got;
        if (h->nlmsg_type == NLMSG_ERROR) die("dump");
        struct seen *s = &kept[got++];
        int rest = (int)(h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(header));
        for (struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(header)); RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
          if (first == IFLA_IFNAME) {
            if (a->rta_type == IFLA_IFNAME) strncpy(s->name, RTA_DATA(a), sizeof s->name - 1);
            else if (a->rta_type == IFLA_MTU) memcpy(&s->a, RTA_DATA(a), 4);
            else if (a->rta_type == IFLA_LINK) memcpy(&s->b, RTA_DATA(a), 4);
            else if (a->rta_type == IFLA_ADDRESS) memcpy(s->mac, RTA_DATA(a), 6);
          } else if (first == RTA_DST) {
            if (a->rta_type == RTA_DST) memcpy(&s->a, RTA_DATA(a), 4);
            else if (a->rta_type == RTA_OIF) memcpy(&s->b, RTA_DATA(a), 4);
            else if (a->rta_type == RTA_TABLE) memcpy(&s->c, RTA_DATA(a), 4);
          } else {
            if (a->rta_type == NDA_LLADDR) memcpy(s->mac, RTA_DATA(a), 6);
            else if (a->rta_type == NDA_DST) memcpy(&s->a, RTA_DATA(a), 4);
          }
        }
      }
    }
  }
}
static void device(void) {
  bridge(0, 1000, 1);
  flush();
}
static size_t round_trips(int count) {
  for (int i = 0; i < count; i++) {
    begin(RTM_GETLINK, 0);
    struct ifinfomsg *m = take(sizeof *m);
    m->ifi_index = 1;
    end();
    if (send(fd, out, len, 0) < 0 || recv(fd, in, sizeof in, 0) < 0) die("round trip");
    len = 0;
  }
  return (size_t)count;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const char *w = argv[1];
  int n = atoi(argv[2]);
  size_t objects = (size_t)n;
  struct ifinfomsg any_link = {0};
  struct rtmsg any_route = {.rtm_family = AF_INET};
  struct ndmsg any_entry = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 1001};
  kept = calloc((size_t)n * 2 + 4096, sizeof *kept);
  if (!kept) die("calloc");
  open_socket();
  int dumped = strstr(w, "-dump") != NULL;
  if (!dumped && (!strcmp(w, "vxlans") || !strncmp(w, "routes", 6) || !strncmp(w, "entries", 7))) device();
  if (!dumped && !strncmp(w, "entries", 7)) { vxlan(0, 1001, 0); flush(); }
  uint64_t t = now();
  if (!strcmp(w, "bridges-each")) bridges(n, 1);
  else if (!strcmp(w, "bridges")) bridges(n, 0);
  else if (!strcmp(w, "vxlans")) vxlans(n);
  else if (!strcmp(w, "links-made")) pairs(n / 2);
  else if (!strcmp(w, "routes") || !strcmp(w, "routes-made")) routes(n);
  else if (!strcmp(w, "entries") || !strcmp(w, "entries-made")) entries(n);
  else if (!strcmp(w, "links-dump")) objects = dump(RTM_GETLINK, sizeof any_link, &any_link, IFLA_IFNAME);
  else if (!strcmp(w, "routes-dump")) objects = dump(RTM_GETROUTE, sizeof any_route, &any_route, RTA_DST);
  else if (!strcmp(w, "entries-dump")) objects = dump(RTM_GETNEIGH, sizeof any_entry, &any_entry, NDA_LLADDR);
  else if (!strcmp(w, "round-trip")) objects = round_trips(n);
  else return 2;
  printf("{\"ns\": %llu, \"objects\": %zu}\n", (unsigned long long)(now() - t), objects);
  return 0;
}

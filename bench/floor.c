/* The floor: the same work in minimal C over the same sockets, with hand-built messages and the best buffer sizes.
 * usage: floor WORKLOAD COUNT   (inside a network namespace of its own); prints {"ns": …, "objects": …}
 * "NAME-dump" reads what "NAME-made" made before, in a process of its own, so that every contestant starts cold;
 * "NAME-count" says how many there are, and "clear" removes what the others made. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
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
static uint64_t cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
         (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}
static void open_socket(int protocol) {
  struct sockaddr_nl a = {.nl_family = AF_NETLINK};
  int one = 1, big = 4 << 20;
  fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
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
static void grouped(uint32_t index, uint32_t group) {
  link_begin(0, (int)index, 0);
  attr32(IFLA_GROUP, group);
  end();
  flush_if_full(0);
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

/* One by one, as most programs do it. */
static void neighbors(int count) {
  for (int i = 0; i < count; i++) {
    uint8_t mac[6] = {2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
    struct ndmsg *d = take(sizeof *d);
    *d = (struct ndmsg){.ndm_family = AF_INET, .ndm_ifindex = 1000, .ndm_state = NUD_PERMANENT};
    attr32(NDA_DST, htonl(0x0a000001u + (uint32_t)i));
    attr(NDA_LLADDR, mac, 6);
    end();
    flush_if_full(1);
  }
  flush();
}

struct seen {
  uint32_t a, b, c, master;
  unsigned up, made;
  uint8_t mac[6];
  char name[16];
};
static struct seen *kept;
static int is_made(struct rtattr *info) {
  struct rtattr *kind = RTA_DATA(info);
  return kind->rta_type == IFLA_INFO_KIND &&
         (!strcmp(RTA_DATA(kind), "bridge") || !strcmp(RTA_DATA(kind), "vxlan") || !strcmp(RTA_DATA(kind), "veth"));
}
static void parse(struct seen *s, struct nlmsghdr *h, size_t header, uint16_t first) {
  int rest = (int)(h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(header));
  if (first == IFLA_IFNAME) s->up = ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_flags & IFF_UP;
  for (struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(header)); RTA_OK(a, rest); a = RTA_NEXT(a, rest)) {
    if (first == IFLA_IFNAME) {
      if (a->rta_type == IFLA_IFNAME) strncpy(s->name, RTA_DATA(a), sizeof s->name - 1);
      else if (a->rta_type == IFLA_MTU) memcpy(&s->a, RTA_DATA(a), 4);
      else if (a->rta_type == IFLA_LINK) memcpy(&s->b, RTA_DATA(a), 4);
      else if (a->rta_type == IFLA_ADDRESS) memcpy(s->mac, RTA_DATA(a), 6);
      else if (a->rta_type == IFLA_MASTER) memcpy(&s->master, RTA_DATA(a), 4);
      else if (a->rta_type == IFLA_LINKINFO && is_made(a)) s->made = (unsigned)((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
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
        parse(&kept[got++], h, header, first);
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


/* Listens to a writer in a process of its own; CPU of the listener alone. */
static size_t events(int count, uint64_t *spent) {
  static struct mmsghdr mm[SLOTS];
  static struct iovec iov[SLOTS];
  int group = RTNLGRP_NEIGH;
  struct timeval silence = {.tv_sec = 1};
  size_t got = 0;
  setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  uint64_t before = cpu();
  if (fork() == 0) {
    open_socket(NETLINK_ROUTE);
    neighbors(count);
    _exit(0);
  }
  while (got < (size_t)count) {
    for (int i = 0; i < SLOTS; i++) {
      iov[i] = (struct iovec){in + i * SLOT, SLOT};
      mm[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    int n = recvmmsg(fd, mm, SLOTS, MSG_WAITFORONE, NULL);
    if (n < 0 && errno == ENOBUFS) continue;
    if (n < 0) break;
    for (int i = 0; i < n; i++) {
      size_t left = mm[i].msg_len;
      for (struct nlmsghdr *h = (void *)(in + i * SLOT); NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
        if (h->nlmsg_type == RTM_NEWNEIGH) parse(&kept[got++], h, sizeof(struct ndmsg), NDA_DST);
    }
  }
  *spent = cpu() - before;
  return got;
}

static void attr_be(uint16_t type, uint32_t v) { attr32(type, htonl(v)); }
static void attr_text(uint16_t type, const char *text) { attr(type, text, strlen(text) + 1); }
static void nft(int type, uint16_t flags, uint8_t family, uint16_t res) {
  begin((uint16_t)type, flags);
  *(struct nfgenmsg *)take(sizeof(struct nfgenmsg)) = (struct nfgenmsg){.nfgen_family = family, .res_id = htons(res)};
}
static size_t outer, inner;
static void expr(const char *name) {
  outer = nest(NFTA_LIST_ELEM);
  attr_text(NFTA_EXPR_NAME, name);
  inner = nest(NFTA_EXPR_DATA);
}
static void expr_end(void) { nest_end(inner); nest_end(outer); }
static void meta(uint32_t key) {
  expr("meta");
  attr_be(NFTA_META_KEY, key);
  attr_be(NFTA_META_DREG, NFT_REG_1);
  expr_end();
}
static void compare(uint32_t op, const void *data, size_t n) {
  expr("cmp");
  attr_be(NFTA_CMP_SREG, NFT_REG_1);
  attr_be(NFTA_CMP_OP, op);
  size_t at = nest(NFTA_CMP_DATA);
  attr(NFTA_DATA_VALUE, data, n);
  nest_end(at);
  expr_end();
}
static void chain(const char *name, const char *type, uint32_t hook, uint32_t priority) {
  nft(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, NLM_F_CREATE, AF_INET, 0);
  attr_text(NFTA_CHAIN_TABLE, "pf");
  attr_text(NFTA_CHAIN_NAME, name);
  size_t at = nest(NFTA_CHAIN_HOOK);
  attr_be(NFTA_HOOK_HOOKNUM, hook);
  attr_be(NFTA_HOOK_PRIORITY, priority);
  nest_end(at);
  attr_text(NFTA_CHAIN_TYPE, type);
  end();
}
static size_t rule(const char *where) {
  nft(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, AF_INET, 0);
  attr_text(NFTA_RULE_TABLE, "pf");
  attr_text(NFTA_RULE_CHAIN, where);
  return nest(NFTA_RULE_EXPRESSIONS);
}
static void accepting(uint32_t key, const char name[16]) {
  size_t at = rule("fw");
  meta(key);
  compare(NFT_CMP_EQ, name, 16);
  expr("immediate");
  attr_be(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  size_t data = nest(NFTA_IMMEDIATE_DATA), verdict = nest(NFTA_DATA_VERDICT);
  attr_be(NFTA_VERDICT_CODE, 1);
  nest_end(verdict);
  nest_end(data);
  expr_end();
  nest_end(at);
  end();
}
static void masquerade(const char name[16]) {
  static const uint8_t net[3] = {10, 9, 0};
  size_t at = rule("post");
  meta(NFT_META_OIFNAME);
  compare(NFT_CMP_NEQ, name, 16);
  expr("payload");
  attr_be(NFTA_PAYLOAD_DREG, NFT_REG_1);
  attr_be(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
  attr_be(NFTA_PAYLOAD_OFFSET, 12);
  attr_be(NFTA_PAYLOAD_LEN, 3);
  expr_end();
  compare(NFT_CMP_EQ, net, 3);
  expr("masq");
  expr_end();
  nest_end(at);
  end();
}
static void ruleset(void) {
  char name[16] = "br0";
  int link = fd;
  open_socket(NETLINK_NETFILTER);
  nft(NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
  end();
  nft(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_CREATE, AF_INET, 0);
  attr_text(NFTA_TABLE_NAME, "pf");
  end();
  chain("post", "nat", 4, 100);
  chain("fw", "filter", 2, 0);
  masquerade(name);
  accepting(NFT_META_IIFNAME, name);
  accepting(NFT_META_OIFNAME, name);
  ((struct nlmsghdr *)(out + begun))->nlmsg_flags |= NLM_F_ACK;
  uint32_t want = ((struct nlmsghdr *)(out + begun))->nlmsg_seq;
  nft(NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
  end();
  if (send(fd, out, len, 0) < 0) die("send");
  len = 0;
  for (uint32_t got = 0; got != want;) {
    if (recv(fd, in, sizeof in, 0) < 0) die("recv");
    struct nlmsghdr *h = (void *)in;
    errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
    if (h->nlmsg_type != NLMSG_ERROR || errno) die("ruleset");
    got = h->nlmsg_seq;
  }
  close(fd);
  fd = link;
}
static void setting(const char *path, const char *value) {
  int file = open(path, O_WRONLY);
  if (file < 0 || write(file, value, strlen(value)) < 0) die(path);
  close(file);
}
/* The founding story's host: a bridge, a VXLAN in it, both of one MTU, five sysctls, masquerading and two rules. */
static void host(void) {
  device();
  vxlan(0, 1001, 1000);
  for (int index = 1001; index >= 1000; index--) {
    link_begin(0, index, 0);
    attr32(IFLA_MTU, 1400);
    end();
  }
  flush();
  setting("/proc/sys/net/ipv4/ip_forward", "1");
  setting("/proc/sys/net/ipv4/conf/all/rp_filter", "2");
  setting("/proc/sys/net/ipv4/conf/br0/rp_filter", "2");
  setting("/proc/sys/net/ipv4/conf/br0/proxy_arp", "1");
  setting("/proc/sys/net/ipv6/conf/br0/disable_ipv6", "1");
  ruleset();
}

/* Keeps the kernel's lock busy: taking a bridge down holds it for some 20 ms. */
static void churn(int count) {
  for (int i = 0; i < count; i++) {
    bridge(0, 1000, 0);
    flush();
    begin(RTM_DELLINK, 0);
    ((struct ifinfomsg *)take(sizeof(struct ifinfomsg)))->ifi_index = 1000;
    end();
    flush();
  }
}

/* Changes nothing, but takes the kernel's lock each time. */
static void touch(int count) {
  for (int i = 0; i < count; i++) {
    link_begin(0, 1, 1);
    end();
    flush();
  }
}

static size_t dumped(const char *what) {
  struct ifinfomsg link = {0};
  struct rtmsg route = {.rtm_family = AF_INET};
  struct ndmsg entry = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 1001};
  if (!strncmp(what, "routes", 6)) return dump(RTM_GETROUTE, sizeof route, &route, RTA_DST);
  if (!strncmp(what, "entries", 7)) return dump(RTM_GETNEIGH, sizeof entry, &entry, NDA_LLADDR);
  return dump(RTM_GETLINK, sizeof link, &link, IFLA_IFNAME);
}
/* How many there are of what a workload was to make. */
static size_t counted(const char *what) {
  size_t all = dumped(what), n = 0;
  if (!strncmp(what, "routes", 6) || !strncmp(what, "entries", 7)) return all;
  for (size_t i = 0; i < all; i++)
    n += kept[i].made && (strncmp(what, "vxlans", 6) || (kept[i].up && kept[i].master == 1000));
  return n;
}
/* All at once is quicker than one by one, and when it is done the kernel's lock is free again. */
static void clear(void) {
  const uint32_t group = 4711;
  size_t all = dumped("links"), made = 0;
  for (size_t i = 0; i < all; i++)
    if (kept[i].made) grouped(kept[i].made, group), made++;
  if (made == 0) return;
  flush();
  begin(RTM_DELLINK, 0);
  take(sizeof(struct ifinfomsg));
  attr32(IFLA_GROUP, group);
  end();
  flush();
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const char *w = argv[1];
  int n = atoi(argv[2]);
  size_t objects = (size_t)n;
  uint64_t spent = 0;
  kept = calloc((size_t)n * 2 + 8192, sizeof *kept);
  if (!kept) die("calloc");
  open_socket(NETLINK_ROUTE);
  if (!strcmp(w, "round-trip")) round_trips(n);
  uint64_t t = now();
  if (!strcmp(w, "bridges-each")) bridges(n, 1);
  else if (!strcmp(w, "bridges")) bridges(n, 0);
  else if (!strcmp(w, "vxlans")) vxlans(n);
  else if (!strcmp(w, "device-made")) device();
  else if (!strcmp(w, "tunnel-made")) { device(); vxlan(0, 1001, 0); flush(); }
  else if (!strcmp(w, "links-made")) pairs(n / 2);
  else if (!strcmp(w, "routes-made")) { device(); routes(n); }
  else if (!strcmp(w, "routes")) routes(n);
  else if (!strcmp(w, "entries-made")) { device(); vxlan(0, 1001, 0); entries(n); }
  else if (!strcmp(w, "entries")) entries(n);
  else if (!strcmp(w, "neighbors")) neighbors(n);
  else if (!strcmp(w, "events")) objects = events(n, &spent);
  else if (!strcmp(w, "host")) host();
  else if (!strcmp(w, "round-trip")) objects = round_trips(n);
  else if (!strcmp(w, "churn")) churn(n);
  else if (!strcmp(w, "touch")) touch(n);
  else if (!strcmp(w, "clear")) clear();
  else if (strstr(w, "-dump")) objects = dumped(w);
  else if (strstr(w, "-count")) objects = counted(w);
  else return 2;
  printf("{\"ns\": %llu, \"objects\": %zu}\n", (unsigned long long)(spent ? spent : now() - t), objects);
  return 0;
}

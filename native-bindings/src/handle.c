/* Socket handles: life, options, calls on the JS thread. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int sock_live(const sock *s) {
  return s->doomed ? -1 : s->fd;
}

void sock_drop(sock *s) {
  if (--s->holds > 0) return;
  *s->link = s->next;
  if (s->next) s->next->link = s->link;
  hub_drop(s->hub);
  free(s);
}

void sock_on_closed(uvh *handle) {
  sock *s = uv_handle_get_data(handle);
  hub *h = s->hub;
  free(handle);
  s->poll = NULL;
  sock_drop(s);
  hub_release(h);
}

/* The order matters: the watcher leaves epoll before the descriptor is closed. */
void sock_shut(sock *s) {
  if (s->fd < 0) return;
  if (s->away) { /* comes back here when the exchange is done */
    s->doomed = true;
    return;
  }
  s->doomed = false;
  s->polling = false;
  if (s->poll) {
    uv_poll_stop(s->poll);
    uv_close(s->poll, sock_on_closed);
  }
  if (s->io) io_stop(s->io);
  close(s->fd);
  s->fd = -1;
}

void sock_forget(sock *s) {
  if (s->ready) napi_delete_reference(s->hub->env, s->ready);
  s->ready = NULL;
  if (!s->context || s->busy || s->away) return;
  napi_async_destroy(s->hub->env, s->context);
  s->context = NULL;
}

bool sock_context(sock *s) {
  napi_value name;
  if (s->context) return true;
  /* No resource: with the handle in its place Node 26 would never let go of the handle. */
  return napi_create_string_utf8(s->hub->env, "LINKWRIGHTSOCKET", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_async_init(s->hub->env, NULL, name, &s->context) == napi_ok;
}

static void on_finalize(napi_env env, void *data, void *hint) {
  sock *s = data;
  (void)hint;
  sock_forget(s);
  if (s->self) napi_delete_reference(env, s->self);
  s->self = NULL;
  sock_shut(s);
  sock_drop(s);
}

napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value a[4], object;
  hub *h = arg_all(env, info, 4, a);
  int32_t domain, type, protocol, ns_fd;
  if (!h || !arg_int(env, a[0], &domain) || !arg_int(env, a[1], &type) || !arg_int(env, a[2], &protocol) ||
      !arg_int(env, a[3], &ns_fd))
    return NULL;
  sock *s = calloc(1, sizeof *s);
  if (!s) return to_number(env, -ENOMEM);
  s->fd = core_socket_in(ns_fd, domain, type, protocol);
  if (s->fd < 0) {
    int e = s->fd;
    free(s);
    return to_number(env, e);
  }
  s->kind.netlink = domain == AF_NETLINK;
  s->kind.stream = (type & 0xf) == SOCK_STREAM;
  if (napi_create_object(env, &object) != napi_ok || napi_type_tag_object(env, object, &SOCK_TAG) != napi_ok ||
      napi_wrap(env, object, s, on_finalize, NULL, &s->self) != napi_ok) {
    close(s->fd);
    free(s);
    return NULL;
  }
  s->holds = 1;
  s->hub = h;
  h->refs++;
  s->next = h->socks;
  s->link = &h->socks;
  if (s->next) s->next->link = &s->next;
  h->socks = s;
  return object;
}

napi_value js_close(napi_env env, napi_callback_info info) {
  napi_value a[1];
  sock *s;
  if (!arg_all(env, info, 1, a) || !(s = arg_sock(env, a[0]))) return NULL;
  if (sock_live(s) < 0) return to_number(env, -EBADF);
  if (s->polling) {
    s->polling = false;
    uv_poll_stop(s->poll);
    napi_reference_unref(env, s->self, NULL);
  }
  sock_shut(s);
  sock_forget(s);
  return to_number(env, 0);
}

static napi_value option(napi_env env, napi_callback_info info, bool set) {
  napi_value a[4];
  sock *s;
  int32_t level, name;
  void *data;
  size_t n;
  if (!arg_all(env, info, 4, a) || !(s = arg_sock(env, a[0])) || !arg_int(env, a[1], &level) ||
      !arg_int(env, a[2], &name) || !arg_bytes(env, a[3], &data, &n))
    return NULL;
  int fd = sock_live(s);
  return to_number(env, set ? core_setopt(fd, level, name, data, n) : core_getopt(fd, level, name, data, n));
}

napi_value js_setopt(napi_env env, napi_callback_info info) {
  return option(env, info, true);
}

napi_value js_getopt(napi_env env, napi_callback_info info) {
  return option(env, info, false);
}

static napi_value on_address(napi_env env, napi_callback_info info, int (*fn)(int, void *, size_t)) {
  napi_value a[2];
  sock *s;
  void *data;
  size_t n;
  if (!arg_all(env, info, 2, a) || !(s = arg_sock(env, a[0])) || !arg_bytes(env, a[1], &data, &n)) return NULL;
  return to_number(env, fn(sock_live(s), data, n));
}

static int bind_to(int fd, void *address, size_t length) {
  return core_bind(fd, address, length);
}

static int connect_to(int fd, void *address, size_t length) {
  return core_connect(fd, address, length);
}

napi_value js_bind(napi_env env, napi_callback_info info) {
  return on_address(env, info, bind_to);
}

napi_value js_connect(napi_env env, napi_callback_info info) {
  return on_address(env, info, connect_to);
}

napi_value js_listen(napi_env env, napi_callback_info info) {
  napi_value a[2];
  sock *s;
  int32_t backlog;
  if (!arg_all(env, info, 2, a) || !(s = arg_sock(env, a[0])) || !arg_int(env, a[1], &backlog)) return NULL;
  return to_number(env, sock_live(s) < 0 ? -EBADF : core_listen(s->fd, backlog));
}

napi_value js_accept(napi_env env, napi_callback_info info) {
  return on_address(env, info, core_accept);
}

napi_value js_address(napi_env env, napi_callback_info info) {
  return on_address(env, info, core_address);
}

napi_value js_send(napi_env env, napi_callback_info info) {
  napi_value a[3];
  sock *s;
  void *data, *to;
  size_t n, to_n;
  if (!arg_all(env, info, 3, a) || !(s = arg_sock(env, a[0])) || !arg_bytes(env, a[1], &data, &n) ||
      !arg_maybe_bytes(env, a[2], &to, &to_n))
    return NULL;
  return to_number(env, (double)core_send(sock_live(s), data, n, to_n ? to : NULL, to_n));
}

napi_value js_recv(napi_env env, napi_callback_info info) {
  napi_value a[4];
  sock *s;
  struct core_slab slab;
  if (!arg_all(env, info, 4, a) || !(s = arg_sock(env, a[0])) || !arg_slab(env, a[1], a[2], a[3], &slab)) return NULL;
  return to_number(env, s->away && !s->doomed ? -EBUSY : core_recv(sock_live(s), s->kind, &slab));
}

napi_value js_transact(napi_env env, napi_callback_info info) {
  napi_value a[5];
  sock *s;
  struct core_slab slab;
  void *data;
  size_t n;
  if (!arg_all(env, info, 5, a) || !(s = arg_sock(env, a[0])) || !arg_bytes(env, a[1], &data, &n) ||
      !arg_slab(env, a[2], a[3], a[4], &slab))
    return NULL;
  if (s->away && !s->doomed) return to_number(env, -EBUSY);
  if (core_slab_check(&slab) < 0) return to_number(env, -EINVAL);
  ssize_t r = core_send(sock_live(s), data, n, NULL, 0);
  return to_number(env, (double)(r < 0 ? r : core_recv_one(sock_live(s), &slab)));
}

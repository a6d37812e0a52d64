/* A request and its answer on the socket's own thread. */
#include "addon.h"

#include <errno.h>
#include <stddef.h>

static void release(napi_env env, napi_ref *ref) {
  if (*ref) napi_delete_reference(env, *ref);
  *ref = NULL;
}

static void release_all(turn *t) {
  napi_env env = t->sock->hub->env;
  release(env, &t->message);
  release(env, &t->slab);
  release(env, &t->meta);
  release(env, &t->done);
}

static void on_turn(post *p) {
  turn *t = (turn *)(void *)p;
  sock *s = t->sock;
  hub *h = s->hub;
  napi_env env = h->env;
  napi_handle_scope scope;
  napi_value self = NULL, done = NULL;
  ssize_t result = io_result(s->io, (unsigned)(t - s->turns));
  bool scoped = !h->dying && napi_open_handle_scope(env, &scope) == napi_ok;
  if (scoped) {
    (void)napi_get_reference_value(env, s->self, &self);
    (void)napi_get_reference_value(env, t->done, &done);
  }
  release_all(t);
  hub_end(h);
  s->away--;
  if (!s->away && s->doomed) sock_shut(s);
  else if (!s->away) sock_resume(s);
  s->busy = true;
  if (self && done) hub_call(h, s->context, self, done, to_number(env, (double)result));
  s->busy = false;
  (void)napi_reference_unref(env, s->self, NULL);
  if (s->fd < 0) sock_forget(s);
  if (scoped) napi_close_handle_scope(env, scope);
}

static void on_ended(post *p) {
  sock *s = (sock *)(void *)((char *)p - offsetof(sock, ended));
  hub *h = s->hub;
  io_join(s->io);
  s->io = NULL;
  sock_drop(s);
  hub_release(h);
}

/* On the socket's thread. */
static void notify(void *owner, unsigned place) {
  sock *s = owner;
  hub_post(s->hub, place < IO_DEPTH ? &s->turns[place].post : &s->ended);
}

static int start(sock *s) {
  if (s->io) return 0;
  s->ended.run = on_ended;
  for (turn *t = s->turns; t < s->turns + IO_DEPTH; t++) {
    t->post.run = on_turn;
    t->sock = s;
  }
  int e = io_start(&s->io, notify, s);
  if (e < 0) return e;
  s->holds++;
  hub_hold(s->hub);
  return 0;
}

/* Keeps what the thread uses alive until it is done. */
static bool hold(turn *t, const napi_value a[6]) {
  sock *s = t->sock;
  napi_env env = s->hub->env;
  napi_valuetype type;
  if (napi_reference_ref(env, s->self, NULL) != napi_ok) return false;
  if (napi_typeof(env, a[1], &type) == napi_ok &&
      (type == napi_null || napi_create_reference(env, a[1], 1, &t->message) == napi_ok) &&
      napi_create_reference(env, a[2], 1, &t->slab) == napi_ok &&
      napi_create_reference(env, a[4], 1, &t->meta) == napi_ok && napi_create_reference(env, a[5], 1, &t->done) == napi_ok)
    return true;
  release_all(t);
  (void)napi_reference_unref(env, s->self, NULL);
  return false;
}

/* The end of an awaited job, if it comes soon; else its end will be told. Nothing of the call is let go of before the
 * call returns, so that what the thread uses is held only then. */
static bool ends_soon(turn *t, bool awake, size_t wait, const napi_value a[6]) {
  sock *s = t->sock;
  if (io_wait(s->io, awake, (uint64_t)wait * 1000)) return true;
  if (!hold(t, a)) {
    while (!io_wait(s->io, false, 1000000)) continue;
    return true;
  }
  if (!io_leave(s->io)) return false;
  release_all(t);
  (void)napi_reference_unref(s->hub->env, s->self, NULL);
  return true;
}

static napi_value exchange(napi_env env, napi_callback_info info, bool one) {
  napi_value a[7];
  sock *s;
  void *message;
  size_t wait = 0;
  struct io_job job = {.fd = -1, .one = one};
  hub *h = arg_all(env, info, one ? 7 : 6, a);
  if (!h || !(s = arg_sock(env, a[0])) || !arg_maybe_bytes(env, a[1], &message, &job.length) ||
      !arg_slab(env, a[2], a[3], a[4], &job.slab) || !arg_function(env, a[5]) || (one && !arg_size(env, a[6], &wait)))
    return NULL;
  job.fd = sock_live(s);
  if (job.fd < 0) return to_number(env, -EBADF);
  if (s->away >= (one ? 1 : IO_DEPTH)) return to_number(env, -EBUSY);
  int e = core_slab_check(&job.slab);
  if (e == 0) e = start(s);
  if (e < 0) return to_number(env, e);
  if (!sock_context(s)) return NULL;
  job.kind = s->kind;
  job.message = message;
  unsigned place = io_place(s->io);
  turn *t = &s->turns[place];
  if (!one && !hold(t, a)) return NULL;
  if (s->polling) uv_poll_stop(s->poll); /* the answer belongs to the thread */
  bool awake = io_submit(s->io, &job, one);
  if (one && ends_soon(t, awake, wait, a)) {
    sock_resume(s);
    return to_number(env, (double)io_result(s->io, place));
  }
  s->away++;
  hub_begin(h);
  return to_number(env, 0);
}

napi_value js_exchange(napi_env env, napi_callback_info info) {
  return exchange(env, info, false);
}

napi_value js_ask(napi_env env, napi_callback_info info) {
  return exchange(env, info, true);
}

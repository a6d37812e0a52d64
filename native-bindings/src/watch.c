/* Readiness on the caller's own loop. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>

static void on_poll(uvh *handle, int status, int events) {
  sock *s = uv_handle_get_data(handle);
  napi_env env = s->hub->env;
  napi_handle_scope scope;
  napi_value self, ready;
  (void)events;
  if (!s->polling) return;
  if (status < 0) {
    /* libuv stops a watcher on EPOLLERR (netlink: ENOBUFS) and calls it EBADF; the socket is fine. */
    status = core_take_error(s->fd);
    if (uv_poll_start(handle, UVH_READABLE, on_poll) < 0) s->polling = false;
  }
  if (s->hub->dying || napi_open_handle_scope(env, &scope) != napi_ok) return;
  s->busy = true;
  if (napi_get_reference_value(env, s->self, &self) == napi_ok && self &&
      napi_get_reference_value(env, s->ready, &ready) == napi_ok && ready)
    hub_call(s->hub, s->context, self, ready, to_number(s->hub->env, status));
  s->busy = false;
  if (s->fd < 0) sock_forget(s);
  napi_close_handle_scope(env, scope);
}

void sock_resume(sock *s) {
  if (s->polling && uv_poll_start(s->poll, UVH_READABLE, on_poll) < 0) s->polling = false;
}

static int prepare(sock *s) {
  if (s->poll) return 0;
  uvh *handle = calloc(1, uv_handle_size(UVH_POLL));
  if (!handle) return -ENOMEM;
  int e = uv_poll_init(s->hub->loop, handle, s->fd);
  if (e < 0) {
    free(handle);
    return e;
  }
  uv_handle_set_data(handle, s);
  if (s->unrefed) uv_unref(handle);
  s->poll = handle;
  s->holds++;
  hub_hold(s->hub);
  return 0;
}

napi_value js_watch(napi_env env, napi_callback_info info) {
  napi_value a[2];
  napi_valuetype type;
  sock *s;
  if (!arg_all(env, info, 2, a) || !(s = arg_sock(env, a[0]))) return NULL;
  OK(napi_typeof(env, a[1], &type));
  if (type != napi_null && !arg_function(env, a[1])) return NULL;
  if (sock_live(s) < 0) return to_number(env, -EBADF);
  if (type == napi_null) {
    if (!s->polling) return to_number(env, 0);
    s->polling = false;
    uv_poll_stop(s->poll);
    napi_reference_unref(env, s->self, NULL);
    return to_number(env, 0);
  }
  if (s->polling) return to_number(env, -EALREADY);
  int e = prepare(s);
  if (e < 0) return to_number(env, e);
  if (!sock_context(s)) return NULL;
  if (s->ready) napi_delete_reference(env, s->ready);
  s->ready = NULL;
  OK(napi_create_reference(env, a[1], 1, &s->ready));
  if (!s->away && (e = uv_poll_start(s->poll, UVH_READABLE, on_poll)) < 0) return to_number(env, e);
  s->polling = true;
  OK(napi_reference_ref(env, s->self, NULL)); /* alive while watched, even when it does not hold the process */
  return to_number(env, 0);
}

static napi_value keep(napi_env env, napi_callback_info info, bool hold) {
  napi_value a[1];
  sock *s;
  if (!arg_all(env, info, 1, a) || !(s = arg_sock(env, a[0]))) return NULL;
  if (sock_live(s) < 0) return to_number(env, -EBADF);
  s->unrefed = !hold;
  if (s->poll) (hold ? uv_ref : uv_unref)(s->poll);
  return to_number(env, 0);
}

napi_value js_ref(napi_env env, napi_callback_info info) {
  return keep(env, info, true);
}

napi_value js_unref(napi_env env, napi_callback_info info) {
  return keep(env, info, false);
}

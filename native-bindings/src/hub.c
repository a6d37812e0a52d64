/* From threads to the loop, and the end of an environment. */
#include "addon.h"

#include <stdlib.h>

/* An answer that takes no lock in the kernel is there within this time; looking for it instead of sleeping saves a
 * wake-up. The loop goes on meanwhile. */
#define SPIN_NS 40000

static void drain(hub *h) {
  post *list = atomic_exchange(&h->inbox, NULL), *order = NULL;
  while (list) { /* the last one posted comes first: turn it round */
    post *next = list->next;
    list->next = order;
    order = list;
    list = next;
  }
  while (order) {
    post *next = order->next;
    order->run(order);
    order = next;
  }
}

static void rest(hub *h) {
  uv_idle_stop(h->idle);
  atomic_store(&h->awake, false);
  drain(h); /* what was posted while nobody had to be woken */
}

static void on_async(uvh *handle) {
  drain(uv_handle_get_data(handle));
}

static void on_idle(uvh *handle) {
  hub *h = uv_handle_get_data(handle);
  drain(h);
  if (h->pending == 0 || core_now() >= h->spin_end) rest(h);
}

void hub_post(hub *h, post *p) {
  p->next = atomic_load(&h->inbox);
  while (!atomic_compare_exchange_weak(&h->inbox, &p->next, p)) continue;
  if (!atomic_load(&h->awake)) uv_async_send(h->async);
}

void hub_begin(hub *h) {
  if (h->pending++ == 0) uv_ref(h->async);
  if (!h->may_spin || h->dying) return;
  h->spin_end = core_now() + SPIN_NS;
  if (atomic_load_explicit(&h->awake, memory_order_relaxed)) return;
  atomic_store(&h->awake, true);
  uv_idle_start(h->idle, on_idle);
}

void hub_end(hub *h) {
  if (--h->pending == 0 && !h->dying) uv_unref(h->async);
}

void hub_drop(hub *h) {
  if (--h->refs == 0) free(h);
}

/* ---- the end: every descriptor closed, every thread joined, every handle closed, then the environment may go ---- */

static void on_gone(uvh *handle) {
  hub *h = uv_handle_get_data(handle);
  if (handle == h->async) h->async = NULL;
  else h->idle = NULL;
  free(handle);
  if (h->async || h->idle) return;
  napi_async_cleanup_hook_handle hook = h->hook;
  hub_drop(h);
  if (hook) napi_remove_async_cleanup_hook(hook);
}

static void finish(hub *h) {
  uv_close(h->async, on_gone);
  uv_close(h->idle, on_gone);
}

void hub_hold(hub *h) {
  h->holds++;
}

void hub_release(hub *h) {
  if (--h->holds == 0 && h->dying) finish(h);
}

static void on_env_cleanup(napi_async_cleanup_hook_handle hook, void *arg) {
  hub *h = arg;
  h->hook = hook;
  h->dying = true;
  h->holds++;
  uv_ref(h->async); /* a loop with nothing to wait for would not look at what the threads post */
  for (sock *s = h->socks; s; s = s->next) {
    if (s->fd < 0) continue;
    sock_forget(s);
    sock_shut(s);
  }
  if (atomic_load(&h->awake)) rest(h);
  hub_release(h);
}

static uvh *make(hub *h, int type) {
  uvh *handle = calloc(1, uv_handle_size(type));
  if (handle) uv_handle_set_data(handle, h);
  return handle;
}

hub *hub_open(napi_env env) {
  hub *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->env = env;
  h->refs = 1;
  h->may_spin = core_may_spin();
  h->async = make(h, UVH_ASYNC);
  h->idle = make(h, UVH_IDLE);
  if (h->async && h->idle && napi_get_uv_event_loop(env, &h->loop) == napi_ok &&
      uv_async_init(h->loop, h->async, on_async) == 0) {
    uv_unref(h->async);
    uv_idle_init(h->loop, h->idle);
    uv_unref(h->idle);
    if (napi_add_async_cleanup_hook(env, on_env_cleanup, h, &h->hook) == napi_ok) return h;
    h->hook = NULL;
    finish(h);
    return NULL;
  }
  free(h->async);
  free(h->idle);
  free(h);
  return NULL;
}

bool hub_call(hub *h, napi_async_context context, napi_value self, napi_value fn, napi_value arg) {
  napi_value error;
  bool thrown = false;
  if (!arg) return false;
  if (napi_make_callback(h->env, context, self, fn, 1, &arg, NULL) == napi_ok) return true;
  /* Refused without an exception: the environment is about to end. */
  if (napi_is_exception_pending(h->env, &thrown) != napi_ok || !thrown) return false;
  /* Refused too when a worker was terminated before the function, or in the midst of it. */
  return napi_get_and_clear_last_exception(h->env, &error) == napi_ok && napi_fatal_exception(h->env, error) == napi_ok;
}

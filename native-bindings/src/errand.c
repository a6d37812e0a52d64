/* Work on a thread of its own, and the call back on the loop. */
#include "addon.h"

static void *errand_main(void *arg) {
  errand *e = arg;
  e->work(e);
  hub_post(e->hub, &e->post);
  return NULL;
}

static bool tell(errand *e) {
  hub *h = e->hub;
  napi_handle_scope scope;
  napi_value self, done = NULL;
  bool told = false;
  if (h->dying || napi_open_handle_scope(h->env, &scope) != napi_ok) return false;
  if (napi_create_object(h->env, &self) == napi_ok && napi_get_reference_value(h->env, e->done, &done) == napi_ok && done)
    told = hub_call(h, e->context, self, done, e->answer(e, h->env));
  napi_close_handle_scope(h->env, scope);
  return told;
}

static void forget(errand *e, bool told) {
  napi_env env = e->hub->env;
  if (e->done) napi_delete_reference(env, e->done);
  if (e->context) napi_async_destroy(env, e->context);
  e->drop(e, told);
}

static void on_back(post *p) {
  errand *e = (errand *)(void *)p;
  hub *h = e->hub;
  pthread_join(e->thread, NULL);
  hub_end(h);
  forget(e, tell(e));
  hub_release(h);
}

napi_value errand_start(hub *h, errand *e, const char *name, napi_value done) {
  napi_value resource;
  e->hub = h;
  e->post.run = on_back;
  if (napi_create_string_utf8(h->env, name, NAPI_AUTO_LENGTH, &resource) != napi_ok ||
      napi_create_reference(h->env, done, 1, &e->done) != napi_ok ||
      napi_async_init(h->env, NULL, resource, &e->context) != napi_ok) {
    forget(e, false);
    return NULL;
  }
  hub_begin(h);
  hub_hold(h);
  int error = core_thread(&e->thread, errand_main, e);
  if (error == 0) return to_number(h->env, 0);
  hub_end(h);
  forget(e, false);
  hub_release(h);
  return to_number(h->env, error);
}

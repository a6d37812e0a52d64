/* Namespaces as JS sees them. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

napi_value js_nsSelf(napi_env env, napi_callback_info info) {
  (void)info;
  return to_number(env, core_ns_register(core_self_ns()));
}

/* ---- nsNew: making a namespace can take 50 ms ---- */

typedef struct {
  post post;
  hub *hub;
  pthread_t thread;
  int result;
  napi_ref done;
  napi_async_context context;
} maker;

static void *make_main(void *arg) {
  maker *m = arg;
  m->result = core_new_ns();
  hub_post(m->hub, &m->post);
  return NULL;
}

static void on_made(post *p) {
  maker *m = (maker *)(void *)p;
  hub *h = m->hub;
  napi_handle_scope scope;
  napi_value self, done;
  bool told = false;
  pthread_join(m->thread, NULL);
  hub_end(h);
  m->result = core_ns_register(m->result);
  if (!h->dying && napi_open_handle_scope(h->env, &scope) == napi_ok) {
    if (napi_create_object(h->env, &self) == napi_ok && napi_get_reference_value(h->env, m->done, &done) == napi_ok && done)
      told = hub_call(h, m->context, self, done, m->result);
    napi_close_handle_scope(h->env, scope);
  }
  if (!told) (void)core_ns_close(m->result);
  napi_delete_reference(h->env, m->done);
  napi_async_destroy(h->env, m->context);
  free(m);
  hub_release(h);
}

napi_value js_nsNew(napi_env env, napi_callback_info info) {
  napi_value a[1], name;
  hub *h = arg_all(env, info, 1, a);
  if (!h || !arg_function(env, a[0])) return NULL;
  maker *m = calloc(1, sizeof *m);
  if (!m) return to_number(env, -ENOMEM);
  m->hub = h;
  m->post.run = on_made;
  if (napi_create_string_utf8(env, "LINKWRIGHTNSNEW", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_reference(env, a[0], 1, &m->done) != napi_ok) {
    free(m);
    return NULL;
  }
  if (napi_async_init(env, NULL, name, &m->context) != napi_ok) {
    napi_delete_reference(env, m->done);
    free(m);
    return NULL;
  }
  hub_begin(h);
  hub_hold(h);
  int e = core_thread(&m->thread, make_main, m);
  if (e == 0) return to_number(env, 0);
  hub_end(h);
  napi_delete_reference(env, m->done);
  napi_async_destroy(env, m->context);
  free(m);
  hub_release(h);
  return to_number(env, e);
}

/* ---- files and names ---- */

static napi_value on_path(napi_env env, napi_callback_info info, int (*fn)(const char *)) {
  napi_value a[1];
  char path[PATH_BYTES];
  if (!arg_all(env, info, 1, a) || !arg_path(env, a[0], path)) return NULL;
  return to_number(env, fn(path));
}

static int open_known(const char *path) {
  return core_ns_register(core_open_ns(path));
}

napi_value js_nsOpen(napi_env env, napi_callback_info info) {
  return on_path(env, info, open_known);
}

napi_value js_nsDir(napi_env env, napi_callback_info info) {
  return on_path(env, info, core_share_dir);
}

napi_value js_nsUnbind(napi_env env, napi_callback_info info) {
  return on_path(env, info, core_unbind_ns);
}

napi_value js_nsClose(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int32_t fd;
  if (!arg_all(env, info, 1, a) || !arg_int(env, a[0], &fd)) return NULL;
  return to_number(env, core_ns_close(fd));
}

napi_value js_nsBind(napi_env env, napi_callback_info info) {
  napi_value a[2];
  int32_t fd;
  char path[PATH_BYTES];
  if (!arg_all(env, info, 2, a) || !arg_int(env, a[0], &fd) || !arg_path(env, a[1], path)) return NULL;
  return to_number(env, core_bind_ns(fd, path));
}

static napi_value on_file(napi_env env, napi_callback_info info, enum core_op op) {
  napi_value a[3];
  char path[PATH_BYTES];
  struct core_job job = {.op = op, .path = path};
  if (!arg_all(env, info, 3, a) || !arg_int(env, a[0], &job.ns_fd) || !arg_path(env, a[1], path) ||
      !arg_bytes(env, a[2], &job.buffer, &job.length))
    return NULL;
  return to_number(env, (double)core_run(&job));
}

napi_value js_nsRead(napi_env env, napi_callback_info info) {
  return on_file(env, info, CORE_READ);
}

napi_value js_nsWrite(napi_env env, napi_callback_info info) {
  return on_file(env, info, CORE_WRITE);
}

static napi_value to_names(napi_env env, const char *names, size_t count) {
  napi_value list, name;
  OK(napi_create_array_with_length(env, count, &list));
  for (size_t i = 0; i < count; i++) {
    OK(napi_create_string_utf8(env, names, NAPI_AUTO_LENGTH, &name));
    OK(napi_set_element(env, list, (uint32_t)i, name));
    names += strlen(names) + 1;
  }
  return list;
}

napi_value js_nsList(napi_env env, napi_callback_info info) {
  napi_value a[2], result;
  char path[PATH_BYTES];
  struct core_job job = {.op = CORE_LIST, .path = path};
  if (!arg_all(env, info, 2, a) || !arg_int(env, a[0], &job.ns_fd) || !arg_path(env, a[1], path)) return NULL;
  ssize_t n = core_run(&job);
  result = n < 0 ? to_number(env, (double)n) : to_names(env, job.names, (size_t)n);
  free(job.names);
  return result;
}

/* ---- moving the JS thread ---- */

static void pool_nothing(napi_env env, void *p) {
  (void)env;
  (void)p;
}

static void pool_done(napi_env env, napi_status status, void *p) {
  (void)status;
  napi_delete_async_work(env, *(napi_async_work *)p);
  free(p);
}

/* libuv starts its pool threads at the first job, from the thread that queues it: were that thread inside another
 * namespace, the pool of the whole process would stay there. */
static bool start_pool(napi_env env) {
  static atomic_bool started;
  napi_value name;
  if (atomic_load(&started)) return true;
  napi_async_work *work = calloc(1, sizeof *work);
  if (!work) return false;
  if (napi_create_string_utf8(env, "LINKWRIGHTPOOL", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, pool_nothing, pool_done, work, work) != napi_ok) {
    free(work);
    return false;
  }
  if (napi_queue_async_work(env, *work) != napi_ok) {
    napi_delete_async_work(env, *work);
    free(work);
    return false;
  }
  atomic_store(&started, true);
  return true;
}

napi_value js_nsEnter(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int32_t fd;
  if (!arg_all(env, info, 1, a) || !arg_int(env, a[0], &fd)) return NULL;
  if (fd == -1) return to_number(env, 0);
  return to_number(env, start_pool(env) ? core_setns(fd) : -EAGAIN);
}

napi_value js_nsCall(napi_env env, napi_callback_info info) {
  napi_value a[2], self;
  napi_status status = napi_ok;
  int32_t fd;
  if (!arg_all(env, info, 2, a) || !arg_int(env, a[0], &fd) || !arg_function(env, a[1])) return NULL;
  OK(napi_get_undefined(env, &self));
  if (!start_pool(env)) return to_number(env, -EAGAIN);
  int home = core_self_ns();
  if (home < 0) return to_number(env, home);
  int e = fd == -1 ? 0 : core_setns(fd);
  if (e == 0) {
    status = napi_call_function(env, self, a[1], 0, NULL, NULL);
    if (core_setns(home) < 0)
      napi_fatal_error("nsCall", NAPI_AUTO_LENGTH, "cannot return to the home namespace", NAPI_AUTO_LENGTH);
  }
  close(home);
  return status == napi_ok ? to_number(env, e) : NULL;
}

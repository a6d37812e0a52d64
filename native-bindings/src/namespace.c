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
  errand errand;
  int fd;
  uint64_t inode;
} maker;

static void make_ns(errand *e) {
  maker *m = (maker *)(void *)e;
  m->fd = core_ns_register(core_new_ns());
  if (m->fd >= 0) m->inode = core_ns_inode(m->fd);
}

static napi_value made_ns(errand *e, napi_env env) {
  return to_number(env, ((maker *)(void *)e)->fd);
}

static void drop_maker(errand *e, bool told) {
  maker *m = (maker *)(void *)e;
  /* A function that was cut short may have closed it: then the number belongs to somebody else. */
  if (!told && m->fd >= 0) (void)core_ns_close(m->fd, m->inode);
  free(m);
}

napi_value js_nsNew(napi_env env, napi_callback_info info) {
  napi_value a[1];
  hub *h = arg_all(env, info, 1, a);
  if (!h || !arg_function(env, a[0])) return NULL;
  maker *m = calloc(1, sizeof *m);
  if (!m) return to_number(env, -ENOMEM);
  m->errand = (errand){.work = make_ns, .answer = made_ns, .drop = drop_maker};
  m->fd = -1;
  return errand_start(h, &m->errand, "LINKWRIGHTNSNEW", a[0]);
}

/* ---- names ---- */

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
  return to_number(env, core_ns_close(fd, 0));
}

napi_value js_nsBind(napi_env env, napi_callback_info info) {
  napi_value a[2];
  int32_t fd;
  char path[PATH_BYTES];
  if (!arg_all(env, info, 2, a) || !arg_int(env, a[0], &fd) || !arg_path(env, a[1], path)) return NULL;
  return to_number(env, core_bind_ns(fd, path));
}

/* ---- files: a write can wait for the lock of all networks, which is held while any namespace is torn down ---- */

typedef struct {
  errand errand;
  struct core_job job; /* path and buffer are its own: what JS does to its array meanwhile does not matter */
  napi_ref out;
  ssize_t result;
} filer;

static void work_file(errand *e) {
  filer *f = (filer *)(void *)e;
  f->result = core_job_run(&f->job);
}

static void drop_file(errand *e, bool told) {
  filer *f = (filer *)(void *)e;
  (void)told;
  core_job_end(&f->job);
  if (f->out) napi_delete_reference(e->hub->env, f->out);
  free(f->job.path);
  free(f->job.buffer);
  free(f);
}

static napi_value answer_count(errand *e, napi_env env) {
  filer *f = (filer *)(void *)e;
  napi_value out;
  void *data;
  size_t length;
  /* Into as much of the array as there still is. */
  if (f->out && f->result > 0 && napi_get_reference_value(env, f->out, &out) == napi_ok && out &&
      arg_bytes(env, out, &data, &length) && length > 0)
    memcpy(data, f->job.buffer, length < (size_t)f->result ? length : (size_t)f->result);
  return to_number(env, (double)f->result);
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

static napi_value answer_names(errand *e, napi_env env) {
  filer *f = (filer *)(void *)e;
  return f->result < 0 ? to_number(env, (double)f->result) : to_names(env, f->job.names, (size_t)f->result);
}

/* The arguments: descriptor, path, the array where there is one, done. */
static napi_value on_file(napi_env env, napi_callback_info info, enum core_op op, const char *name) {
  size_t count = op == CORE_LIST ? 3 : 4, length = 0;
  napi_value a[4];
  int32_t fd;
  char path[PATH_BYTES];
  void *data = NULL;
  hub *h = arg_all(env, info, count, a);
  if (!h || !arg_int(env, a[0], &fd) || !arg_path(env, a[1], path) ||
      (op != CORE_LIST && !arg_bytes(env, a[2], &data, &length)) || !arg_function(env, a[count - 1]))
    return NULL;
  filer *f = calloc(1, sizeof *f);
  if (!f) return to_number(env, -ENOMEM);
  f->errand = (errand){.hub = h, .work = work_file, .answer = op == CORE_LIST ? answer_names : answer_count, .drop = drop_file};
  f->job = (struct core_job){.op = op, .ns_fd = -1, .length = length};
  size_t bytes = strlen(path) + 1;
  f->job.path = malloc(bytes);
  f->job.buffer = malloc(length + 1);
  int e = f->job.path && f->job.buffer ? 0 : -ENOMEM;
  if (e == 0) {
    memcpy(f->job.path, path, bytes);
    if (op == CORE_WRITE && length > 0) memcpy(f->job.buffer, data, length);
    e = core_job_begin(&f->job, fd);
  }
  if (e < 0) {
    drop_file(&f->errand, false);
    return to_number(env, e);
  }
  if (op == CORE_READ && napi_create_reference(env, a[2], 1, &f->out) != napi_ok) {
    drop_file(&f->errand, false);
    return NULL;
  }
  return errand_start(h, &f->errand, name, a[count - 1]);
}

napi_value js_nsRead(napi_env env, napi_callback_info info) {
  return on_file(env, info, CORE_READ, "LINKWRIGHTNSREAD");
}

napi_value js_nsWrite(napi_env env, napi_callback_info info) {
  return on_file(env, info, CORE_WRITE, "LINKWRIGHTNSWRITE");
}

napi_value js_nsList(napi_env env, napi_callback_info info) {
  return on_file(env, info, CORE_LIST, "LINKWRIGHTNSLIST");
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

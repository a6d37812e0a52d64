/* Devices as JS makes them. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  errand errand;
  struct core_tun tun;
  int result;
} tunmaker;

/* Making and naming a device waits for the lock of all networks. */
static void make_tun(errand *e) {
  tunmaker *m = (tunmaker *)(void *)e;
  m->result = core_tun_run(&m->tun);
}

static napi_value made_tun(errand *e, napi_env env) {
  return to_number(env, ((tunmaker *)(void *)e)->result);
}

static void drop_tun(errand *e, bool told) {
  tunmaker *m = (tunmaker *)(void *)e;
  (void)told;
  core_tun_end(&m->tun);
  free(m);
}

/* The arguments: namespace, name, flags, owner, group, done. */
napi_value js_tunNew(napi_env env, napi_callback_info info) {
  napi_value a[6];
  int32_t fd;
  size_t flags, owner, group;
  char name[PATH_BYTES];
  hub *h = arg_all(env, info, 6, a);
  if (!h || !arg_int(env, a[0], &fd) || !arg_path(env, a[1], name) || !arg_size(env, a[2], &flags) ||
      !arg_size(env, a[3], &owner) || !arg_size(env, a[4], &group) || !arg_function(env, a[5]))
    return NULL;
  size_t length = strlen(name);
  tunmaker *m = calloc(1, sizeof *m);
  if (!m) return to_number(env, -ENOMEM);
  m->errand = (errand){.hub = h, .work = make_tun, .answer = made_tun, .drop = drop_tun};
  m->tun = (struct core_tun){.flags = (uint32_t)flags, .owner = (uint32_t)owner, .group = (uint32_t)group};
  if (length < sizeof m->tun.name) memcpy(m->tun.name, name, length);
  int e = core_tun_begin(&m->tun, fd);
  if (e == 0) return errand_start(h, &m->errand, "LINKWRIGHTTUNNEW", a[5]);
  drop_tun(&m->errand, false);
  return to_number(env, e);
}

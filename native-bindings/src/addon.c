/* The entry point. */
#include "addon.h"

#include <stdlib.h>

#define ABI 4

#ifdef LINKWRIGHT_PLANT
/* A mistake of each kind, in debug builds only: the sanitizer run must find both, or it proves nothing. */
static napi_value js_plant(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int32_t kind;
  if (!arg_all(env, info, 1, a) || !arg_int(env, a[0], &kind)) return NULL;
  char *volatile p = malloc(16); /* volatile: the compiler must not see through it */
  if (!p) return NULL;
  p[0] = 1;
  if (kind == 0) return to_number(env, 0); /* lost */
  size_t past = 16 + (size_t)(kind == 1 ? 0 : -1);
  p[past] = 1;
  double r = kind == 2 ? (double)(INT32_MAX + (int)p[0] * kind) : p[0];
  free(p);
  return to_number(env, r);
}
#endif

NAPI_MODULE_INIT() {
#define ENTRY(name) {#name, js_##name},
  static const struct {
    const char *name;
    napi_callback fn;
  } functions[] = {
      EXPORTS(ENTRY)
#ifdef LINKWRIGHT_PLANT
      ENTRY(plant)
#endif
  };
  napi_value fn, number;
  hub *h = hub_open(env);
  if (!h) {
    napi_throw_error(env, NULL, "linkwright: cannot set up the native layer");
    return NULL;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    OK(napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].fn, h, &fn));
    OK(napi_set_named_property(env, exports, functions[i].name, fn));
  }
  OK(napi_create_int32(env, ABI, &number));
  OK(napi_set_named_property(env, exports, "abi", number));
  OK(napi_create_uint32(env, IO_DEPTH, &number));
  OK(napi_set_named_property(env, exports, "depth", number));
  return exports;
}

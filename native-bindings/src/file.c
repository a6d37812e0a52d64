/* What Node cannot do with a file. */
#include "addon.h"

#include <errno.h>
#include <sys/file.h>

/* The lock belongs to the open file: it ends when the last descriptor of it is closed, however that happens. */
napi_value js_lock(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int32_t fd;
  if (!arg_all(env, info, 1, a) || !arg_int(env, a[0], &fd)) return NULL;
  return to_number(env, flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno);
}

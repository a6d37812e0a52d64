/* Reading arguments: anything of the wrong type is a TypeError, never a crash. */
#include "addon.h"

#include <errno.h>
#include <string.h>

const napi_type_tag SOCK_TAG = {0x6c696e6b77726967ULL, 0x68742d736f636b31ULL};

napi_value to_number(napi_env env, double v) {
  napi_value r = NULL;
  napi_create_double(env, v, &r);
  return r;
}

napi_value arg_fail(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

hub *arg_all(napi_env env, napi_callback_info info, size_t want, napi_value *argv) {
  size_t n = want;
  void *h = NULL;
  if (napi_get_cb_info(env, info, &n, argv, NULL, &h) != napi_ok) return NULL;
  if (n >= want) return h;
  arg_fail(env, "too few arguments");
  return NULL;
}

static bool whole(napi_env env, napi_value v, double min, double max, double *out) {
  if (napi_get_value_double(env, v, out) == napi_ok && *out >= min && *out <= max && *out == (double)(int64_t)*out)
    return true;
  arg_fail(env, "expected an integer in range");
  return false;
}

bool arg_int(napi_env env, napi_value v, int32_t *out) {
  double d;
  if (!whole(env, v, INT32_MIN, INT32_MAX, &d)) return false;
  *out = (int32_t)d;
  return true;
}

bool arg_size(napi_env env, napi_value v, size_t *out) {
  double d;
  if (!whole(env, v, 0, UINT32_MAX, &d)) return false;
  *out = (size_t)d;
  return true;
}

static bool typed(napi_env env, napi_value v, napi_typedarray_type want, void **data, size_t *length) {
  bool is = false;
  napi_typedarray_type type;
  return napi_is_typedarray(env, v, &is) == napi_ok && is &&
         napi_get_typedarray_info(env, v, &type, length, data, NULL, NULL) == napi_ok && type == want;
}

bool arg_bytes(napi_env env, napi_value v, void **data, size_t *length) {
  if (typed(env, v, napi_uint8_array, data, length)) return true;
  arg_fail(env, "expected a Uint8Array");
  return false;
}

bool arg_maybe_bytes(napi_env env, napi_value v, void **data, size_t *length) {
  napi_valuetype type;
  *data = NULL;
  *length = 0;
  if (napi_typeof(env, v, &type) == napi_ok && type == napi_null) return true;
  return arg_bytes(env, v, data, length);
}

bool arg_slab(napi_env env, napi_value slab, napi_value slot, napi_value meta, struct core_slab *out) {
  void *data, *words;
  size_t n = 0;
  if (!arg_bytes(env, slab, &data, &out->length) || !arg_size(env, slot, &out->slot)) return false;
  if (!typed(env, meta, napi_uint32_array, &words, &n)) {
    arg_fail(env, "expected a Uint32Array");
    return false;
  }
  out->data = data;
  out->meta = words;
  out->meta_max = n / CORE_META_WORDS;
  return true;
}

bool arg_path(napi_env env, napi_value v, char out[PATH_BYTES]) {
  size_t n = 0;
  if (napi_get_value_string_utf8(env, v, out, PATH_BYTES, &n) == napi_ok && n > 0 && n < PATH_BYTES - 1 &&
      strlen(out) == n)
    return true;
  arg_fail(env, "expected a path without NUL bytes");
  return false;
}

bool arg_function(napi_env env, napi_value v) {
  napi_valuetype type;
  if (napi_typeof(env, v, &type) == napi_ok && type == napi_function) return true;
  arg_fail(env, "expected a function");
  return false;
}

sock *arg_sock(napi_env env, napi_value v) {
  bool is = false;
  void *s = NULL;
  if (napi_check_object_type_tag(env, v, &SOCK_TAG, &is) == napi_ok && is && napi_unwrap(env, v, &s) == napi_ok)
    return s;
  arg_fail(env, "expected a socket handle");
  return NULL;
}

/* The Node half. libuv is used through opaque pointers only, so that one binary fits every Node: no struct layout,
 * and no header besides node_api.h. */
#ifndef LINKWRIGHT_ADDON_H
#define LINKWRIGHT_ADDON_H
#define NAPI_VERSION 8
#include "core.h"

#include <node_api.h>
#include <stdatomic.h>

/* ---- libuv ---- */
typedef struct uvh uvh;
struct uv_loop_s;
enum { UVH_ASYNC = 1, UVH_IDLE = 6, UVH_POLL = 8, UVH_READABLE = 1 };
size_t uv_handle_size(int type);
void uv_handle_set_data(uvh *h, void *data);
void *uv_handle_get_data(const uvh *h);
void uv_close(uvh *h, void (*cb)(uvh *));
void uv_ref(uvh *h);
void uv_unref(uvh *h);
int uv_poll_init(struct uv_loop_s *loop, uvh *h, int fd);
int uv_poll_start(uvh *h, int events, void (*cb)(uvh *, int, int));
int uv_poll_stop(uvh *h);
int uv_async_init(struct uv_loop_s *loop, uvh *h, void (*cb)(uvh *));
int uv_async_send(uvh *h);
int uv_idle_init(struct uv_loop_s *loop, uvh *h);
int uv_idle_start(uvh *h, void (*cb)(uvh *));
int uv_idle_stop(uvh *h);

/* ---- hub.c: what one environment (main thread or worker) shares ---- */
typedef struct post post;
struct post {
  post *next;
  void (*run)(post *post); /* on the loop's thread */
};

typedef struct sock sock;
typedef struct hub {
  napi_env env;
  struct uv_loop_s *loop;
  uvh *async, *idle;
  napi_async_cleanup_hook_handle hook;
  _Atomic(post *) inbox;
  atomic_bool awake; /* the loop polls the inbox by itself: no need to wake it */
  bool may_spin;
  uint64_t spin_end;
  sock *socks;
  unsigned pending; /* requests under way: they keep the loop alive */
  unsigned holds;   /* libuv handles and threads that must be gone before the environment */
  unsigned refs;    /* the environment, and every sock */
  bool dying;
} hub;

hub *hub_open(napi_env env);
void hub_drop(hub *h);
/* From any thread that the hub holds. */
void hub_post(hub *h, post *p);
void hub_begin(hub *h);
void hub_end(hub *h);
void hub_hold(hub *h);
void hub_release(hub *h);
/* Calls fn(arg) in a proper callback scope: promises run at once, an exception becomes uncaughtException. false: the
 * function did not run, or not to its end, and nothing ever will. */
bool hub_call(hub *h, napi_async_context context, napi_value self, napi_value fn, napi_value arg);

/* ---- errand.c: one piece of work on a thread of its own, so that the loop never waits for the kernel's locks ---- */
typedef struct errand errand;
struct errand {
  post post;
  hub *hub;
  pthread_t thread;
  napi_ref done;
  napi_async_context context;
  void (*work)(errand *e);                       /* on the thread, which has the caller's namespace */
  napi_value (*answer)(errand *e, napi_env env); /* on the loop: what `done` is called with */
  void (*drop)(errand *e, bool told);            /* the last call; told: `done` has the answer */
};
/* Takes the errand, whatever happens. Returns 0 or -errno for JS, or NULL with an exception pending. */
napi_value errand_start(hub *h, errand *e, const char *name, napi_value done);

/* ---- handle.c: one socket ---- */
/* A job of the thread, and what has to be alive while it is under way. */
typedef struct {
  post post;
  sock *sock;
  napi_ref message, slab, meta, done;
} turn;

struct sock {
  hub *hub;
  sock *next, **link; /* the hub's list */
  int fd;
  struct core_kind kind;
  unsigned holds; /* the JS wrapper, the libuv handle, the thread */
  bool polling;
  bool unrefed;
  bool busy;   /* inside a JS callback, which the async context must outlive */
  unsigned away; /* turns under way: the thread uses the descriptor, and close waits for it */
  bool doomed; /* close was asked for while away */
  uvh *poll;
  napi_ref self, ready;
  napi_async_context context;
  iothread *io;
  post ended; /* of the thread */
  turn turns[IO_DEPTH];
};

/* The descriptor as JS may use it: gone as soon as close was called. */
int sock_live(const sock *s);
void sock_drop(sock *s);
void sock_shut(sock *s);
/* Lets go of what belongs to JS. */
void sock_forget(sock *s);
/* false: a JS exception is pending. */
bool sock_context(sock *s);
/* watch.c */
void sock_resume(sock *s);
void sock_on_closed(uvh *h);

/* ---- args.c ---- */
#define OK(call)                        \
  do {                                  \
    if ((call) != napi_ok) return NULL; \
  } while (0)
#define PATH_BYTES 4096

napi_value arg_fail(napi_env env, const char *message);
/* Exactly `want` arguments into argv (missing ones: TypeError). Returns the hub, or NULL with an exception pending. */
hub *arg_all(napi_env env, napi_callback_info info, size_t want, napi_value *argv);
bool arg_int(napi_env env, napi_value v, int32_t *out);
bool arg_size(napi_env env, napi_value v, size_t *out);
bool arg_bytes(napi_env env, napi_value v, void **data, size_t *length);
/* NULL where v is null. */
bool arg_maybe_bytes(napi_env env, napi_value v, void **data, size_t *length);
bool arg_slab(napi_env env, napi_value slab, napi_value slot, napi_value meta, struct core_slab *out);
bool arg_path(napi_env env, napi_value v, char out[PATH_BYTES]);
bool arg_function(napi_env env, napi_value v);
sock *arg_sock(napi_env env, napi_value v);
napi_value to_number(napi_env env, double v);

/* ---- what JS sees ---- */
#define EXPORTS(X) \
  X(open) X(close) X(setopt) X(getopt) X(bind) X(connect) X(listen) X(accept) X(address) X(send) X(recv) X(transact) X(ask) X(exchange) X(watch) X(ref) X(unref) \
  X(nsSelf) X(nsNew) X(nsOpen) X(nsClose) X(nsDir) X(nsBind) X(nsUnbind) X(nsRead) X(nsWrite) X(nsList) X(nsCall) X(nsEnter) \
  X(ethtool) X(tunNew) X(lock)
#define DECLARE(name) napi_value js_##name(napi_env env, napi_callback_info info);
EXPORTS(DECLARE)
#undef DECLARE
extern const napi_type_tag SOCK_TAG;
#endif

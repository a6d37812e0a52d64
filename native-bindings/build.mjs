#!/usr/bin/env node
/**
 * Compiles native-bindings/src to prebuilds/linux-<arch>.node with nothing but a C compiler and node_api.h.
 *
 *   node native-bindings/build.mjs              build, unless the output is newer than every source
 *   node native-bindings/build.mjs --force      build
 *   node native-bindings/build.mjs --check      build and inspect: see check() below
 *   node native-bindings/build.mjs --sanitize   build-sanitize/, with ASAN and UBSAN and planted mistakes
 *
 * The environment: CC (compiler, may carry arguments), CFLAGS (added at the end), LINKWRIGHT_ARCH (when CC is a
 * cross compiler: x64, arm64).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(HERE, "src");
const arch = process.env.LINKWRIGHT_ARCH ?? process.arch;

const COMMON = [
  ..."-std=c11 -fPIC -fvisibility=hidden -pthread -shared".split(" "),
  ..."-Wall -Wextra -Werror -Wshadow".split(" "),
  "-Wl,-z,relro,-z,now,-z,noexecstack",
  // The registry of descriptors and the I/O threads outlive the worker that loaded the file first.
  "-Wl,-z,nodelete",
];
/** Without libraries on the link line there is no NEEDED entry and no symbol version: glibc and musl both fit. */
const RELEASE = [
  ..."-O2 -fstack-protector-strong -nostdlib -s -Wl,--build-id=none".split(" "),
  // Else the atomics are calls into libgcc, which is not on the link line either.
  ...(arch === "arm64" ? ["-mno-outline-atomics"] : []),
];
const SANITIZE = [
  ..."-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DLINKWRIGHT_PLANT".split(
    " ",
  ),
];

/** What the addon may take from libc: in glibc since 2.17 and in musl. */
const LIBC = new Set(
  `__errno_location __stack_chk_fail __stack_chk_guard accept4 bind calloc clock_gettime close closedir connect fdopendir flock free fstatfs getsockname
   getsockopt ioctl listen malloc memchr memcmp memcpy memmove memset mkdir mmap mount mprotect munmap open pthread_attr_destroy pthread_attr_init
   pthread_attr_setstacksize pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_cond_wait
   pthread_create pthread_join pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock
   pthread_sigmask read readdir readlink realloc recvfrom recvmmsg sched_getcpu sendto setns setsockopt sigfillset snprintf socket strchr strcmp
   strlen strncmp strstr syscall sysconf umount2 unlink unshare write`.split(/\s+/),
);

class Failure extends Error {}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const r = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  return { ok: r.status === 0, missing: r.error !== undefined, text: `${r.stdout ?? ""}${r.stderr ?? ""}` };
}

function findCompiler() {
  const wanted = (process.env.CC ?? "").split(/\s+/).filter(Boolean);
  const candidates = wanted.length > 0 ? [wanted] : [["cc"], ["gcc"], ["clang"]];
  for (const [command = "", ...args] of candidates) {
    if (!run(command, [...args, "--version"]).missing) return { command, args };
  }
  throw new Failure(
    `no C compiler: tried ${candidates.map((c) => c.join(" ")).join(", ")}. Install one:\n` +
      "  Debian, Ubuntu   apt install gcc libc6-dev\n  Fedora, RHEL     dnf install gcc glibc-devel\n" +
      "  Alpine           apk add gcc musl-dev linux-headers\nor name it in the environment variable CC.",
  );
}

function findHeaders() {
  const tried = [...new Set([join(dirname(dirname(process.execPath)), "include", "node"), "/usr/include/node"])];
  try {
    const { include_dir } = createRequire(import.meta.url)("node-api-headers");
    tried.push(include_dir);
  } catch {
    tried.push("the npm package node-api-headers");
  }
  const found = tried.find((d) => existsSync(join(d, "node_api.h")));
  if (found !== undefined) return found;
  throw new Failure(
    `node_api.h not found: tried ${tried.join(", ")}. Run npm ci (node-api-headers is a development dependency),\n` +
      "or install the headers: Debian apt install libnode-dev, Fedora dnf install nodejs-devel, Alpine apk add nodejs-dev.",
  );
}

/** musl's own macros do not pass -Wconversion. */
function strictness(cc) {
  return /musl/.test(run(cc.command, [...cc.args, "-dumpmachine"]).text) ? [] : ["-Wconversion"];
}

/** Builds beside the target and renames, so that a running process never sees half a file. */
function compile(sources, output, flags) {
  const cc = findCompiler();
  const files = readdirSync(sources)
    .filter((f) => f.endsWith(".c"))
    .sort()
    .map((f) => join(sources, f));
  const extra = (process.env.CFLAGS ?? "").split(/\s+/).filter(Boolean);
  const part = `${output}.${process.pid}`;
  mkdirSync(dirname(output), { recursive: true });
  const r = run(cc.command, [
    ...cc.args,
    ...COMMON,
    ...strictness(cc),
    ...flags,
    ...extra,
    "-I",
    findHeaders(),
    "-o",
    part,
    ...files,
  ]);
  if (!r.ok) {
    rmSync(part, { force: true });
    const hint = /fatal error: (\S+)/.exec(r.text);
    throw new Failure(
      `${cc.command} failed:\n${r.text}` +
        (hint
          ? `\n${hint[1]} is missing: Debian apt install libc6-dev, Fedora dnf install glibc-devel, Alpine apk add musl-dev linux-headers`
          : ""),
    );
  }
  renameSync(part, output);
  return r.text;
}

function isFresh(output) {
  if (!existsSync(output)) return false;
  const built = statSync(output).mtimeMs;
  const inputs = [fileURLToPath(import.meta.url), ...readdirSync(SOURCES).map((f) => join(SOURCES, f))];
  return inputs.every((f) => statSync(f).mtimeMs < built);
}

const sha256 = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** What a release has to be. Each line is printed as it is shown; the first that fails ends the run. */
function check(output) {
  const say = (text) => console.log(`ok   ${text}`);
  const dynamic = run("readelf", ["-dW", output]);
  if (!dynamic.ok) throw new Failure(`readelf (package binutils) is needed for --check\n${dynamic.text}`);
  if (/\(NEEDED\)/.test(dynamic.text)) throw new Failure(`a NEEDED entry:\n${dynamic.text}`);
  if (!/BIND_NOW|\bNOW\b/.test(dynamic.text) || !/NODELETE/.test(dynamic.text))
    throw new Failure(`flags:\n${dynamic.text}`);
  say("no NEEDED entry, BIND_NOW, NODELETE");

  const segments = run("readelf", ["-lW", output]).text;
  if (!/GNU_RELRO/.test(segments) || /GNU_STACK.*RWE/.test(segments)) throw new Failure(`segments:\n${segments}`);
  say("RELRO, stack not executable");

  const symbols = run("readelf", ["--dyn-syms", "-W", output])
    .text.split("\n")
    .map((l) => l.trim().split(/\s+/));
  const undefinedNames = symbols.filter((c) => c[6] === "UND" && c[7] !== undefined).map((c) => c[7]);
  const odd = undefinedNames.filter((n) => !/^(napi|uv)_\w+$/.test(n) && !LIBC.has(n));
  if (odd.length > 0 || undefinedNames.length < 40) throw new Failure(`undefined names not allowed: ${odd.join(", ")}`);
  const defined = symbols.filter((c) => c[6] !== "UND" && c[3] === "FUNC").map((c) => c[7]);
  if (defined.some((n) => !/^napi_register_module_v1$|^node_api_module_get_api_version_v1$/.test(n)))
    throw new Failure(`exported names: ${defined.join(", ")}`);
  say(
    `${undefinedNames.length} undefined names, all of Node-API, libuv or the libc list; exports ${defined.join(", ")}`,
  );

  const scratch = mkdtempSync(join(tmpdir(), "linkwright-build-"));
  try {
    const elsewhere = join(scratch, "other", "place");
    cpSync(SOURCES, elsewhere, { recursive: true });
    compile(elsewhere, join(scratch, "second.node"), RELEASE);
    compile(SOURCES, join(scratch, "first.node"), RELEASE);
    const [a, b, c] = [join(scratch, "first.node"), join(scratch, "second.node"), output].map(sha256);
    if (a !== b || a !== c) throw new Failure(`builds differ: ${a} ${b} ${c}`);
    say(`three builds, two directories, byte-identical: sha256 ${a}`);

    const cc = findCompiler();
    const probe = run(cc.command, [...cc.args, "-fanalyzer", "-E", "-x", "c", "/dev/null"]);
    if (!probe.ok) console.log(`skip ${cc.command} has no -fanalyzer`);
    else {
      compile(SOURCES, join(scratch, "analyzed.node"), [...RELEASE, "-fanalyzer"]);
      say("-fanalyzer clean");
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function main(args) {
  if (process.platform !== "linux") throw new Failure("the native layer is for Linux only");
  const known = new Set(["--force", "--check", "--sanitize"]);
  const wrong = args.find((a) => !known.has(a));
  if (wrong !== undefined) throw new Failure(`unknown argument ${wrong}`);
  const sanitize = args.includes("--sanitize");
  const output = join(HERE, sanitize ? "../build-sanitize" : "prebuilds", `linux-${arch}.node`);
  if (!args.includes("--force") && !args.includes("--check") && isFresh(output)) return;
  compile(SOURCES, output, sanitize ? SANITIZE : RELEASE);
  console.log(`built ${basename(dirname(output))}/${basename(output)}, ${statSync(output).size} bytes`);
  if (args.includes("--check")) check(output);
}

try {
  main(process.argv.slice(2));
} catch (e) {
  if (!(e instanceof Failure)) throw e;
  console.error(`build:native: ${e.message}`);
  process.exitCode = 1;
}

#!/usr/bin/env node
/**
 * Runs the contract tests of the native layer under ASAN, UBSAN and LSAN, after it has shown that it sees mistakes: a
 * debug build carries a leak, an overflow and an undefined operation, and each must be reported.
 *
 *   node native-bindings/sanitize.mjs           everything, with fewer repetitions
 *   node native-bindings/sanitize.mjs --slice   (or SLICE=1) less than a minute, workers included
 *   node native-bindings/sanitize.mjs -- -g X   arguments for mocha
 *
 * Leaks are judged by their stacks: node and V8 leave a good deal behind at exit; what our own frames asked for
 * counts, through Node-API too. Nothing is suppressed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ADDON = join(ROOT, "build-sanitize", `linux-${process.arch}.node`);
const TESTS = join(ROOT, "build-sanitize", "tests");
/** A frame of ours: by the file it was loaded from, or by its source. */
const OURS = /build-sanitize\/linux-\w+\.node|native-bindings\/src\//;

class Failure extends Error {}

/** The sanitizers' libraries, from the compiler that builds the addon. */
function runtime(name) {
  const command = (process.env.CC ?? "cc").split(" ")[0] ?? "cc";
  const file = spawnSync(command, [`-print-file-name=${name}`], { encoding: "utf8" }).stdout?.trim() ?? "";
  if (!existsSync(file))
    throw new Failure(`${name} not found: it comes with gcc (Debian libasan and libubsan of its version)`);
  return file;
}

function step(what, command, args, options = {}) {
  const r = spawnSync(command, args, { cwd: ROOT, stdio: "inherit", ...options });
  if (r.error) throw new Failure(`${what}: ${r.error.message}`);
  return r.status ?? 128;
}

/** Whether we asked for the memory. What V8 allocates for its own heap while we call it is V8's. */
function isOurs(leak) {
  const frames = leak.split("\n").filter((line) => /^\s+#\d+ /.test(line));
  const at = frames.findIndex((frame) => OURS.test(frame));
  return at >= 0 && !frames.slice(0, at).some((frame) => /\bv8::internal::/.test(frame));
}

/** Splits a sanitizer's log into reports: errors, and leaks with their stacks. */
function judge(directory) {
  const errors = [];
  const leaks = [];
  let foreign = 0;
  for (const file of readdirSync(directory)) {
    const text = readFileSync(join(directory, file), "utf8");
    const own = text.match(/ERROR: AddressSanitizer[\s\S]*|[^\n]*runtime error:[\s\S]*/);
    if (own) errors.push(own[0].slice(0, 4000));
    for (const leak of text.match(/(Direct|Indirect) leak of[\s\S]*?(?=\n\n|$)/g) ?? []) {
      if (isOurs(leak)) leaks.push(leak);
      else foreign++;
    }
  }
  return { errors, leaks, foreign };
}

function environment(logs) {
  const options = `log_path=${join(logs, "log")}:log_exe_name=0`;
  return {
    ...process.env,
    LD_PRELOAD: `${runtime("libasan.so")} ${runtime("libubsan.so")}`,
    LINKWRIGHT_NATIVE: ADDON,
    LINKWRIGHT_NATIVE_SCALE: process.env.LINKWRIGHT_NATIVE_SCALE ?? "0.05",
    // exitcode=0 for leaks: they are judged from the log. Errors abort at once.
    ASAN_OPTIONS: `${options}:detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=0:handle_segv=1`,
    LSAN_OPTIONS: `exitcode=0:max_leaks=0:report_objects=0`,
    UBSAN_OPTIONS: `${options}:print_stacktrace=1:halt_on_error=1:exitcode=99`,
  };
}

/** New namespaces where the caller is not in a sandbox of its own; an own user namespace where it is not root. */
function sandboxed(line) {
  const flags = process.getuid?.() === 0 ? ["-nm"] : ["-Urnm"];
  return ["unshare", [...flags, "--", ...line]];
}

function withLogs(fn) {
  const logs = mkdtempSync(join(tmpdir(), "linkwright-sanitize-"));
  try {
    return fn(logs);
  } finally {
    rmSync(logs, { recursive: true, force: true });
  }
}

/** A run that cannot fail shows nothing. */
function prove() {
  const planted = [
    [0, "leak", ({ leaks }) => leaks.some((l) => /js_plant/.test(l))],
    [1, "overflow", ({ errors }) => errors.some((e) => /heap-buffer-overflow[\s\S]*js_plant/.test(e))],
    // UBSAN beside ASAN keeps to stderr: its report is an exit code, and so a failed test.
    [2, "undefined operation", ({ said, status }) => status !== 0 && /signed integer overflow/.test(said)],
  ];
  const child = join(TESTS, "integration", "native", "child.js");
  for (const [kind, name, found] of planted) {
    withLogs((logs) => {
      const [command, args] = sandboxed([process.execPath, child, "plant", String(kind)]);
      const r = spawnSync(command, args, { cwd: ROOT, env: environment(logs), encoding: "utf8" });
      if (!found({ ...judge(logs), status: r.status, said: r.stderr }))
        throw new Failure(`the planted ${name} was not reported: this run would prove nothing`);
      console.log(`ok   the planted ${name} is reported`);
    });
  }
}

function contract(slice, extra) {
  const mocha = join(dirname(createRequire(import.meta.url).resolve("mocha/package.json")), "bin", "mocha.js");
  // Times and sizes are not those of a release build.
  const skipped = ["costs little", "does not hold the loop", "100,000 of them"];
  if (slice) skipped.push("never shows", "storm", "loaded by two copies", "exchange: .*many sockets");
  const select = extra.length > 0 ? extra : ["-i", "-g", skipped.join("|")];
  const files = join(TESTS, "integration", "native", "**", "*.test.js");
  withLogs((logs) => {
    const [command, args] = sandboxed([process.execPath, mocha, "--timeout", "120000", files, ...select]);
    const status = step("tests", command, args, { env: environment(logs) });
    const { errors, leaks, foreign } = judge(logs);
    for (const report of [...errors, ...leaks]) console.error(`${report}\n`);
    const processes = readdirSync(logs).length;
    console.log(
      `${errors.length} errors, ${leaks.length} leaks of ours; ${foreign} leaks of node in ${processes} reports`,
    );
    if (status !== 0) throw new Failure(`the tests ended with ${status}`);
    if (errors.length + leaks.length > 0) throw new Failure("the sanitizers report mistakes");
    if (extra.length === 0 && processes === 0) throw new Failure("no report at all: the sanitizers did not run");
  });
}

function main(args) {
  const at = args.indexOf("--");
  const extra = at < 0 ? [] : args.slice(at + 1);
  const slice = args.includes("--slice") || process.env.SLICE === "1";
  if (step("build", process.execPath, ["native-bindings/build.mjs", "--sanitize"]) !== 0) throw new Failure("no build");
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  // It emits whatever it says; types are checked elsewhere.
  step("compile", process.execPath, [tsc, "-p", "test", "--outDir", TESTS], { stdio: "ignore" });
  prove();
  contract(slice, extra);
}

try {
  main(process.argv.slice(2));
} catch (e) {
  if (!(e instanceof Failure)) throw e;
  console.error(`sanitize: ${e.message}`);
  process.exitCode = 1;
}

/** The socket of the service: what it says to whom, and that nothing that is sent to it disturbs it. */
import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LONGEST_PATH } from "../../lib/socket/unix.ts";
import { askService } from "../../lib/systemd/ask.ts";
import { ControlSocket, controlPath } from "../../lib/systemd/control.ts";
import { madeRoot } from "../../lib/transaction/index.ts";
import { skip } from "../../test/needs.ts";
import { directory, eventually } from "../transaction/kit.ts";

const answers = {
  status: async () => ({ state: "ok", big: 7n }),
  confirm: async () => {
    throw Object.assign(new Error("nothing waits"), { code: "ERR_NOT_PENDING" });
  },
};
const OK = { state: "ok", big: "7" };
const REFUSED = { error: { code: "ERR_REQUEST", message: "expected one line, status or confirm" } };

/** What another user begins to do: the kernel writes down who connects when it does. */
function as<T>(uid: number, work: () => T): T {
  process.seteuid?.(uid);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

/** Skips where there is no other user. */
function needsUsers(context: Mocha.Context): void {
  try {
    as(1001, () => undefined);
  } catch {
    skip(context, "needs several users: run as root");
  }
}

describe("the socket of the service", () => {
  let place: Awaited<ReturnType<typeof directory>>;
  let path: string;
  let control: ControlSocket;
  const clients: Socket[] = [];
  before(async () => {
    place = await directory();
  });
  after(async () => await place[Symbol.asyncDispose]());
  beforeEach(() => {
    path = controlPath(place.path, 4_026_531_840);
    control = new ControlSocket(path, answers, { patience: 300, perUser: 4 });
  });
  afterEach(() => {
    control.close();
    for (const client of clients.splice(0)) client.destroy();
  });

  /** Sends pieces one after the other, and gives what comes back until the other side hangs up. */
  async function said(pieces: readonly (string | Buffer)[], end = false): Promise<unknown> {
    const client = connect(path);
    clients.push(client);
    let text = "";
    client.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    client.on("error", () => undefined);
    const closed = new Promise((resolve) => client.once("close", resolve));
    for (const piece of pieces) {
      client.write(piece);
      await sleep(10);
    }
    if (end) client.end();
    await closed;
    return text === "" ? undefined : JSON.parse(text);
  }

  it("answers a word with one line, and an error with its code", async () => {
    deepEqual(await askService(path, "status"), { state: "ok", big: "7" });
    await rejects(askService(path, "confirm"), { code: "ERR_NOT_PENDING", message: "nothing waits" });
    deepEqual(await said(["status\r\n"]), { status: { state: "ok", big: "7" } });
    deepEqual(await said(["sta", "tus", "\nand more"]), { status: { state: "ok", big: "7" } });
    equal(statSync(path).mode & 0o777, 0o666);
  });

  it("says what it expects to whoever sends something else", async () => {
    for (const piece of ["\n", "Status\n", "status \n", "stop\n", "x".repeat(33), `${"y".repeat(100_000)}\n`])
      deepEqual(await said([piece]), REFUSED, piece.slice(0, 40));
    deepEqual(await said([Buffer.from([0, 255, 254, 10])]), REFUSED);
    deepEqual(await said(["status"], true), REFUSED);
    deepEqual(await said([], true), REFUSED);
  });

  it("drops whoever says nothing, or hangs up, and goes on", async () => {
    equal(await said(["stat"]), undefined);
    for (let i = 0; i < 50; i++)
      connect(path)
        .on("error", () => undefined)
        .destroy();
    const talker = connect(path).on("error", () => undefined);
    clients.push(talker);
    const noise = setInterval(() => talker.write("z".repeat(50_000)), 1);
    await new Promise((resolve) => talker.once("close", resolve));
    clearInterval(noise);
    await eventually(async () => await askService(path, "status").catch(() => undefined), { state: "ok", big: "7" });
  });

  it("has so many places for a user, and takes more when they are free", async () => {
    for (let i = 0; i < 4; i++) {
      const idle = connect(path).on("error", () => undefined);
      clients.push(idle);
      await new Promise((resolve) => idle.once("connect", resolve));
    }
    await eventually(async () => await askService(path, "status").catch(({ code }) => code), "ERR_BUSY");
    // Whoever says nothing has no place for long.
    await eventually(async () => await askService(path, "status").catch(() => undefined), { state: "ok", big: "7" });
  });

  /** Connects, says nothing, and stays. */
  async function idle(uid: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const client = as(uid, () => connect(path)).on("error", () => undefined);
      clients.push(client);
      await new Promise((resolve) => client.once("connect", resolve));
    }
  }

  it("says that there is no place to each who asks then, whoever is quicker", async () => {
    await idle(process.geteuid?.() ?? 0, 4);
    for (let i = 0; i < 3; i++) await rejects(askService(path, "status"), { code: "ERR_BUSY" });
    const client = connect(path).on("error", () => undefined);
    clients.push(client);
    // The answer is there before the word is sent.
    await new Promise((resolve) => client.once("readable", resolve));
    const failed = new Promise<unknown>((resolve) => client.write("status\n", resolve));
    equal((await failed) ?? undefined, undefined);
    match(String(client.read()), /ERR_BUSY/);
  });

  it("has places for root that others cannot take, nor one of them those of all", async function () {
    needsUsers(this);
    chmodSync(place.path, 0o711);
    control.close();
    control = new ControlSocket(path, answers, { patience: 20_000 });
    await idle(1001, 8);
    await rejects(
      as(1001, () => askService(path, "status")),
      { code: "ERR_BUSY" },
    );
    deepEqual(await as(1002, () => askService(path, "status")), OK);
    for (const uid of [1002, 1003, 1004]) await idle(uid, 8);
    await rejects(
      as(1005, () => askService(path, "status")),
      { code: "ERR_BUSY" },
    );
    await idle(0, 7);
    deepEqual(await askService(path, "status"), OK);
    clients.pop()?.destroy();
    clients.shift()?.destroy();
    await eventually(async () => await as(1005, () => askService(path, "status")).catch(() => undefined), OK);
  });

  it("that this user may not reach is not taken for none", async function () {
    needsUsers(this);
    const closed = join(place.path, "closed");
    mkdirSync(closed, { mode: 0o700 });
    using _ = new ControlSocket(join(closed, "socket"), answers);
    await rejects(
      as(1001, () => askService(join(closed, "socket"), "status")),
      { code: "ERR_ACCESS", message: /^the service at \S+ cannot be asked without root: sudo linkwright status$/ },
    );
    const open = await madeRoot({ directory: join(place.path, "open") });
    equal(statSync(open).mode & 0o777, 0o711);
    using _open = new ControlSocket(join(open, "socket"), answers);
    deepEqual(await as(1001, () => askService(join(open, "socket"), "status")), OK);
  });

  it("answers what came while this process was held up for longer than its patience", async () => {
    const client = connect(path);
    clients.push(client);
    await new Promise((resolve) => client.once("connect", resolve));
    await sleep(50);
    // What comes next after this are timers, before anything is read.
    await new Promise((resolve) => setImmediate(resolve));
    client.write("status\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    const [answer] = (await once(client, "data")) as [Buffer];
    deepEqual(JSON.parse(String(answer)), { status: OK });
  });

  it("takes the place of a dead service, not of one that lives, nor of another file", async () => {
    throws(() => new ControlSocket(path, answers), { code: "ERR_IN_USE" });
    deepEqual(await askService(path, "status"), { state: "ok", big: "7" });
    control.close();
    equal(existsSync(path), false);
    await rejects(askService(path, "status"), { code: "ERR_NO_SERVICE" });

    const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", program]);
    equal(existsSync(path), true);
    await rejects(askService(path, "status"), { code: "ERR_NO_SERVICE" });
    control = new ControlSocket(path, answers);
    deepEqual(await askService(path, "status"), { state: "ok", big: "7" });

    const file = join(place.path, "file");
    writeFileSync(file, "mine");
    throws(
      () => new ControlSocket(file, answers),
      /cannot listen at .*: there is something else than a socket; remove it/,
    );
    const long = join(place.path, "x".repeat(LONGEST_PATH - place.path.length));
    throws(
      () => new ControlSocket(long, answers),
      /cannot listen at .*: the path is too long for a socket: 108 bytes, where 107 are the limit; name a shorter one$/,
    );
    await rejects(askService(long, "status"), { code: "ERR_NO_SERVICE", message: /too long for a socket/ });
    using _ = new ControlSocket(long.slice(0, -1), answers);
    deepEqual(await askService(long.slice(0, -1), "status"), OK);
    throws(() => new ControlSocket(join(place.path, "none", "x"), answers), { code: "ENOENT" });
  });

  it("does not take away the socket of whoever came after it", async () => {
    const later = join(place.path, "later");
    const first = new ControlSocket(later, answers);
    const { unlinkSync } = await import("node:fs");
    unlinkSync(later);
    const second = new ControlSocket(later, answers);
    first.close();
    deepEqual(await askService(later, "status"), { state: "ok", big: "7" });
    second.close();
  });

  it("is not believed where it is another program's: silence, babble, and what is no JSON", async () => {
    const other = join(place.path, "other");
    for (const [what, code] of [
      ["", "ERR_NO_ANSWER"],
      ["stream.end()", "ERR_NO_ANSWER"],
      ["stream.end('hello\\n')", "ERR_NO_ANSWER"],
      ["stream.end('{}\\n')", "ERR_NO_ANSWER"],
      ["setInterval(() => stream.write('x'.repeat(100000)), 1)", "ERR_NO_ANSWER"],
    ] as const) {
      const program = `require("node:net").createServer((stream) => { stream.on("error", () => 0); ${what} }).listen(${JSON.stringify(other)}, () => console.log("up"))`;
      const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
      try {
        await new Promise((resolve) => child.stdout.once("data", resolve));
        await rejects(askService(other, "status", 2000), (error: Error & { code: string }) => {
          equal(error.code, code);
          match(error.message, /^(the service|what answers) at /);
          return true;
        });
      } finally {
        child.kill("SIGKILL");
        await new Promise((resolve) => child.once("close", resolve));
        spawnSync("rm", ["-f", other]);
      }
    }
  });
});

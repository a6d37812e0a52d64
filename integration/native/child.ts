/** Cases that need a process or a thread of their own: started by the tests, by name. */
import assert from "node:assert";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  stat,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { loadBinding } from "../../native-bindings/index.ts";
import {
  AF_NETLINK,
  answer,
  assertApart,
  CHILD,
  Connection,
  collect,
  countOf,
  descriptors,
  dumpLinks,
  ERRNO,
  getLink,
  home,
  int,
  isIdle,
  listIn,
  netlinkAddress,
  newNamespace,
  newVeth,
  OPTION,
  poke,
  procId,
  readIn,
  residentMiB,
  SOCK_RAW,
  SOL_NETLINK,
  setAlias,
  sleep,
  threads,
  times,
  turn,
  until,
  writeIn,
} from "./kit.ts";

const FORWARD = "/proc/sys/net/ipv4/ip_forward";

type Case = () => unknown;
const open = () => {
  const handle = loadBinding().open(AF_NETLINK, SOCK_RAW, 0, -1);
  if (typeof handle === "number") throw new Error(`open: ${handle}`);
  return handle;
};

/** Starts a worker that runs `name` of `inWorker` below. */
function worker(name: string, data: object = {}): Worker {
  return new Worker(CHILD, { workerData: { name, ...data } });
}

const ended = (w: Worker): Promise<number> =>
  new Promise((done, fail) => {
    w.once("error", fail);
    w.once("exit", done);
  });
const said = (w: Worker): Promise<unknown> =>
  new Promise((done, fail) => {
    w.once("error", fail);
    w.once("message", done);
  });

/** Threads of this process that are not in the namespace `of`. */
function strangers(of: string): string[] {
  return readdirSync("/proc/self/task").flatMap((task) => {
    try {
      if (readlinkSync(`/proc/self/task/${task}/ns/net`) === of) return [];
      return [readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim()];
    } catch {
      return []; // ended meanwhile
    }
  });
}

/** Ends workers at a moment when they are busy; afterwards nothing of them is left. */
async function terminated(job: string, count: number): Promise<void> {
  loadBinding();
  await ended(worker("nothing"));
  const before = { descriptors: descriptors(), threads: threads() };
  for (let i = 0; i < count; i++) {
    const w = worker(job);
    await said(w);
    if (i % 3 === 1) poke(5);
    if (i % 3 === 2) await sleep(i % 7);
    await w.terminate();
  }
  await until(() => threads() <= before.threads && descriptors() <= before.descriptors, "everything gone");
}

const cases: Record<string, Case> = {
  /** Exits by itself, although it watches. */
  unref: () => {
    const c = new Connection().monitor();
    loadBinding().unref(c.handle);
    setTimeout(() => process.exit(9), 3000).unref();
  },
  /** Exits by itself before the watcher is made, too. */
  unrefFirst: () => {
    const c = new Connection();
    loadBinding().unref(c.handle);
    c.monitor();
    setTimeout(() => process.exit(9), 3000).unref();
  },
  ref: () => {
    const c = new Connection().monitor();
    loadBinding().unref(c.handle);
    loadBinding().ref(c.handle);
    setTimeout(() => {
      console.log("held");
      process.exit(0);
    }, 150).unref();
  },
  exchangeHolds: () => {
    const c = new Connection();
    loadBinding().exchange(c.handle, getLink(1), c.slab, c.slot, c.meta, (n) => console.log(`got ${n}`));
  },
  readHolds: () => {
    const out = new Uint8Array(8);
    loadBinding().nsRead(-1, FORWARD, out, (n) => console.log(`got ${n}`));
  },
  exitReading: () => {
    for (let i = 0; i < 20; i++) loadBinding().nsRead(-1, FORWARD, new Uint8Array(8), () => console.log("no"));
    loadBinding().nsList(-1, "/proc/sys/net", () => console.log("no"));
    process.exit(0);
  },
  exitWatching: () => {
    new Connection().monitor();
    new Connection().monitor();
    process.exit(0);
  },
  exitExchanging: () => {
    const c = new Connection();
    loadBinding().exchange(c.handle, dumpLinks(1), c.slab, c.slot, c.meta, () => console.log("no"));
    process.exit(0);
  },
  /** An exception in a callback is one uncaughtException, and no more; both kinds of callback. */
  throws: async () => {
    const seen: unknown[] = [];
    process.on("uncaughtException", (error) => seen.push(error.message));
    const c = new Connection().monitor();
    c.onEvent = () => {
      c.onEvent = undefined;
      throw new Error("in watch");
    };
    poke();
    await until(() => seen.length === 1, "the exception");
    const before = c.events.length;
    poke();
    await until(() => c.events.length > before, "watching goes on");
    c.close();
    const d = new Connection();
    loadBinding().exchange(d.handle, getLink(1), d.slab, d.slot, d.meta, () => {
      throw new Error("in exchange");
    });
    await until(() => seen.length === 2, "the second exception");
    assert.equal(await d.exchange(getLink(2)), 1);
    loadBinding().nsNew(() => {
      throw new Error("in nsNew");
    });
    await until(() => seen.length === 3, "the third exception");
    loadBinding().nsList(-1, "/proc/sys/net", () => {
      throw new Error("in nsList");
    });
    await until(() => seen.length === 4, "the fourth exception");
    assert.deepEqual(seen, ["in watch", "in exchange", "in nsNew", "in nsList"]);
    d.close();
  },
  dropped: async () => {
    const before = countOf("socket:");
    const make = () => {
      for (let i = 0; i < 1000; i++) open();
    };
    make();
    assert.equal(countOf("socket:"), before + 1000);
    await collect();
    await until(() => countOf("socket:") <= before, "dropped handles closed");
  },
  /** The same with a thread in each. */
  droppedWithThread: async () => {
    const before = { sockets: countOf("socket:"), threads: threads() };
    const make = async () => {
      for (let i = 0; i < 50; i++) assert.equal(await new Connection({ slots: 1, slot: 8192 }).exchange(getLink(1)), 1);
    };
    await make();
    await collect();
    await until(() => countOf("socket:") <= before.sockets, "sockets closed");
    await until(() => threads() <= before.threads, "threads ended");
  },
  /** Watched, not holding the process, nobody has the handle: still delivers. */
  watchedSurvives: async () => {
    let seen = 0;
    const slab = new Uint8Array(65536);
    const meta = new Uint32Array(5);
    const make = () => {
      const handle = open();
      const weak = new WeakRef(handle);
      loadBinding().bind(handle, netlinkAddress());
      loadBinding().setopt(handle, SOL_NETLINK, OPTION.MEMBERSHIP, int(1));
      loadBinding().unref(handle);
      loadBinding().watch(handle, () => {
        seen++;
        const h = weak.deref();
        assert(h !== undefined);
        while (loadBinding().recv(h, slab, 65536, meta) > 0);
      });
    };
    make();
    await collect();
    await collect();
    poke(3);
    await until(() => seen > 0, "events after gc");
  },
  /** Slab and request of a running exchange that nobody else holds. */
  exchangeSurvives: async () => {
    for (let i = 0; i < times(300); i++) {
      const got = new Promise((done) => {
        const c = new Connection({ slots: 1, slot: 8192 });
        loadBinding().exchange(c.handle, getLink(i + 1), c.slab, c.slot, c.meta, done);
      });
      globalThis.gc?.();
      assert.equal(await got, 1);
    }
  },
  /** Arrays that nobody else holds; made smaller and transferred away while the thread is at work. */
  filesSurvive: async () => {
    const said: string[] = [];
    for (let i = 0; i < times(300); i++) {
      const got = new Promise<number>((done) => {
        const out = new Uint8Array(4096);
        loadBinding().nsRead(-1, FORWARD, out, (n) => {
          said.push(String.fromCharCode(...out.subarray(0, n)));
          done(n);
        });
      });
      globalThis.gc?.();
      assert.equal(await got, 2);
    }
    assert(said.every((value) => value === "0\n"));
    const away = new Uint8Array(4096);
    const read = answer<number>((done) => loadBinding().nsRead(-1, FORWARD, away, done));
    structuredClone(null, { transfer: [away.buffer] });
    assert.equal(await read, 2);
    assert.equal(away.length, 0);
    const data = new Uint8Array([49, 10]);
    const write = answer<number>((done) => loadBinding().nsWrite(-1, FORWARD, data, done));
    data.fill(0);
    structuredClone(null, { transfer: [data.buffer] });
    assert.equal(await write, 2);
    assert.equal(await readIn(-1, FORWARD), "1\n");
    assert.equal(await writeIn(-1, FORWARD, "0\n"), 2);
  },
  /** Nothing is left of thousands of calls: V8's own heap grows in steps of some MiB, and then no more. */
  filesEnd: async () => {
    const ns = await newNamespace();
    await readIn(ns, FORWARD);
    const round = async (count: number) => {
      const all = Array.from({ length: count }, (_, i) => (i % 3 ? readIn(ns, FORWARD) : listIn(ns, "/proc/sys/net")));
      for (const value of await Promise.all(all)) assert(value === "0\n" || Array.isArray(value), String(value));
    };
    await round(100);
    const before = { descriptors: descriptors(), threads: threads(), resident: 0 };
    for (let i = 0; i < 24; i++) {
      await round(times(500));
      await collect();
      if (i === 13) before.resident = residentMiB();
    }
    assert.equal(descriptors(), before.descriptors);
    await until(() => threads() <= before.threads, "threads ended");
    const grown = residentMiB() - before.resident;
    console.log(`${24 * times(500)} calls, ${grown.toFixed(1)} MiB`);
    assert(times(100) < 100 || grown < 16, `grew by ${grown} MiB`);
  },
  errno: () => {
    const binding = loadBinding();
    const handle = open();
    const one = new Uint8Array(1);
    const junk: unknown[] = [];
    const count = times(400_000);
    let wrong = 0;
    for (let i = 0; i < count; i++) {
      if (binding.setopt(handle, SOL_NETLINK, 999, one) !== ERRNO.ENOPROTOOPT) wrong++;
      if (binding.recv(handle, new Uint8Array(64), 64, new Uint32Array(5)) !== ERRNO.EAGAIN) wrong++;
      if (i % 8 === 0) junk[i % 4096] = new Array(100).fill(i);
      if (i % 20_000 === 0) globalThis.gc?.();
    }
    assert.equal(wrong, 0);
    console.log(`${2 * count} calls`);
  },
  wrongArguments: () => {
    const binding = loadBinding();
    const bad: unknown[] = [
      undefined,
      null,
      {},
      [],
      "x",
      "/proc/sys/net/ipv4/ip_forward",
      1.5,
      -1,
      0,
      Number.NaN,
      1e20,
      -(2 ** 31),
      2 ** 32,
      5n,
      Symbol("s"),
      () => {},
      new Uint8Array(0),
      new Uint8Array(3),
      new Uint32Array(1),
      new Uint32Array(10),
      new DataView(new ArrayBuffer(8)),
      new ArrayBuffer(4),
      new Proxy({}, {}),
      Object.create(null),
    ];
    // What would take the process, or the machine, somewhere else if an argument happened to fit.
    const skipped = new Set(["abi", "depth", "nsEnter", "nsUnbind", "nsBind", "nsDir", "plant"]);
    const functions = Object.entries(binding).filter(([name]) => !skipped.has(name));
    let calls = 0;
    let threw = 0;
    for (const [name, fn] of functions) {
      assert(typeof fn === "function");
      for (const a of bad)
        for (const b of bad) {
          const handle = open();
          const lists = [[], [a], [a, b], [a, b, a, b], [handle, a, b, a], [handle, 1, 3, a], [handle, a, 65536, b]];
          if (name === "exchange")
            lists.push([handle, a, b, 64, new Uint32Array(5), () => {}], [handle, null, a, b, a, b]);
          // With an own namespace and a path that fits: only the rest is wrong.
          if (name.startsWith("ns")) lists.push([-1, FORWARD, a, b], [a, b, new Uint8Array(3), () => {}]);
          if (name === "tunNew") lists.push([-1, "x", a, b, a, () => {}], [a, b, 0, a, b, () => {}]);
          if (name === "nsNew" && (typeof a === "function" || typeof b === "function")) continue;
          for (const list of lists) {
            calls++;
            try {
              const r: unknown = fn(...list);
              if (name === "open" && typeof r === "object") binding.close(r as ReturnType<typeof open>);
            } catch (error) {
              assert(error instanceof TypeError, `${name}: ${String(error)}`);
              threw++;
            }
          }
          binding.close(handle);
        }
    }
    console.log(`${calls} calls, ${threw} refused`);
  },
  openClose: async () => {
    const c = new Connection();
    c.close();
    await sleep(5);
    const before = descriptors();
    for (let i = 0; i < times(10_000); i++) {
      const handle = open();
      if (i % 2) loadBinding().watch(handle, () => {});
      assert.equal(loadBinding().close(handle), 0);
      if (i % 500 === 0) await turn();
    }
    await collect();
    assert.equal(descriptors(), before);
  },
  /** Memory of the second half must not grow. */
  longRun: async () => {
    const marks: number[] = [];
    const total = times(100_000);
    for (let i = 0; i < total; i++) {
      const handle = open();
      loadBinding().bind(handle, netlinkAddress());
      loadBinding().watch(handle, () => {});
      loadBinding().close(handle);
      if (i % 100 === 0) await turn();
      if ((i + 1) % Math.ceil(total / 5) === 0) {
        await collect();
        marks.push(residentMiB());
      }
    }
    const [, second = 0] = marks;
    const last = marks.at(-1) ?? 0;
    console.log(`MiB ${marks.map((m) => m.toFixed(1)).join(" ")}`);
    assert(last - second < 6, `grew from ${second} to ${last} MiB`);
  },
  threadsEnd: async () => {
    const c = new Connection();
    assert.equal(await c.exchange(getLink(1)), 1);
    c.close();
    await sleep(20);
    const before = { descriptors: descriptors(), threads: threads(), resident: residentMiB() };
    for (let i = 0; i < times(1000); i++) {
      const d = new Connection({ slots: 1, slot: 8192 });
      assert.equal(await d.exchange(getLink(1)), 1);
      assert.equal(d.close(), 0);
    }
    await collect();
    await until(() => threads() === before.threads && descriptors() === before.descriptors, "threads ended");
  },
  monitorsAddNoThread: async () => {
    loadBinding();
    await readFile("/proc/self/stat");
    const before = threads();
    const all = Array.from({ length: 8 }, () => new Connection().monitor());
    poke();
    await until(() => all.every((c) => c.events.length > 0), "events");
    assert(threads() <= before, `${before} threads, then ${threads()}`);
    for (const c of all) c.close();
  },
  /** UV_THREADPOOL_SIZE=1, its only thread held by a read that never ends: exchange goes on, and the other way round. */
  poolOfOne: async () => {
    assert.equal(process.env["UV_THREADPOOL_SIZE"], "1");
    const dir = process.argv[3] ?? "";
    assert.equal(spawnSync("mkfifo", [`${dir}/fifo`]).status, 0);
    const held = readFile(`${dir}/fifo`);
    const c = new Connection();
    for (let i = 1; i <= 100; i++) assert.equal(await c.exchange(getLink(i)), 1);
    await newNamespace();
    c.close();
    // A writer lets the reader go.
    spawnSync("sh", ["-c", `echo x > "${dir}/fifo"`]);
    assert.equal(String(await held), "x\n");
  },
  idle: async () => {
    const c = new Connection().monitor();
    assert.equal(await c.exchange(getLink(1)), 1);
    await sleep(300);
    const cpu = process.cpuUsage();
    const woken = isIdle();
    await sleep(1500);
    const used = process.cpuUsage(cpu);
    const ms = (used.user + used.system) / 1000;
    const wakeups = isIdle() - woken;
    console.log(`${ms.toFixed(1)} ms CPU, ${wakeups} wake-ups in 1.5 s`);
    assert(ms < 15 && wakeups < 10, `${ms} ms, ${wakeups} wake-ups`);
    c.close();
  },
  cloexec: async () => {
    const c = new Connection().monitor();
    assert.equal(await c.exchange(getLink(1)), 1);
    const ns = await newNamespace();
    const own = loadBinding().nsSelf();
    const opened = loadBinding().nsOpen("/proc/self/ns/net");
    assert(own >= 0 && opened >= 0);
    const listed = spawnSync("ls", ["-l", "/proc/self/fd"], { encoding: "utf8" }).stdout;
    const ours = listed
      .split("\n")
      .filter((line) => /(socket|net|eventfd|eventpoll):|anon_inode/.test(line) && !/ [012] ->/.test(line));
    assert.deepEqual(ours, []);
    for (const fd of [ns, own, opened]) assert.equal(loadBinding().nsClose(fd), 0);
    c.close();
  },
  workerRound: async () => {
    assert.equal(await ended(worker("round")), 0);
  },
  workersWatching: () => terminated("watching", times(30)),
  workersExchanging: () => terminated("exchanging", times(30)),
  workersMaking: () => terminated("making", times(30)),
  workersReading: () => terminated("reading", times(30)),
  workersExit: async () => {
    loadBinding();
    await ended(worker("exitOpen"));
    const before = { descriptors: descriptors(), threads: threads() };
    for (let i = 0; i < times(30); i++) await ended(worker("exitOpen"));
    await until(() => threads() <= before.threads && descriptors() <= before.descriptors, "everything gone");
  },
  /** The thread sleeps in the kernel, on RTNL, while its worker is ended. */
  workerStalled: async () => {
    loadBinding();
    await ended(worker("nothing"));
    const other = await newNamespace();
    const before = descriptors();
    for (let round = 0; round < Math.max(2, times(4)); round++) {
      const ns = await newNamespace();
      const maker = new Connection({ ns });
      for (let i = 1; i <= 300; i++) maker.ask(newVeth(i));
      const w = worker(round % 2 ? "writing" : "exchanging", { ns: other });
      await said(w);
      maker.close();
      loadBinding().nsClose(ns);
      await sleep(15);
      await w.terminate();
    }
    await until(() => descriptors() <= before, "descriptors");
  },
  primedCall: async () => {
    const [ns, own] = [await newNamespace(), home()];
    await new Promise((done) => {
      loadBinding().nsCall(ns, () => stat("/", done));
    });
    await sleep(20);
    assert.deepEqual(strangers(own), []);
  },
  primedWorker: async () => {
    const [ns, own] = [await newNamespace(), home()];
    const w = worker("enterAndStat", { ns });
    await ended(w);
    assert.deepEqual(strangers(own), []);
  },
  enter: async () => {
    const [ns, own] = [await newNamespace(), home()];
    const inside = await said(worker("enter", { ns }));
    assert.notEqual(inside, own);
    assert.equal(home(), own);
    let born: Worker | undefined;
    loadBinding().nsCall(ns, () => {
      born = worker("where");
    });
    assert(born !== undefined);
    assert.equal(await said(born), inside);
    assert.equal(home(), own);
  },
  /** A thread that looks all the time never sees the process elsewhere. */
  observer: async () => {
    const ns = await newNamespace();
    const w = worker("observe", { pid: procId(), own: home() });
    const result = said(w);
    const end = performance.now() + 1000;
    let opened = 0;
    while (performance.now() < end) {
      const reads: Promise<string | number>[] = [];
      for (let i = 0; i < 50; i++, opened++) {
        const handle = loadBinding().open(AF_NETLINK, SOCK_RAW, 0, ns);
        assert(typeof handle === "object");
        loadBinding().close(handle);
        reads.push(readIn(ns, FORWARD));
      }
      for (const value of await Promise.all(reads)) assert.equal(value, "0\n");
    }
    const [looks, bad] = (await result) as [number, number];
    console.log(`${bad} of ${looks} looks, ${opened} sockets`);
    assert(looks > 1000 && bad === 0);
  },
  /** Runs in a mount namespace of its own, with an empty /run. */
  named: async () => {
    const binding = loadBinding();
    const directory = "/run/netns";
    const path = `${directory}/one`;
    assert.equal(binding.nsDir(directory), 0);
    assert.equal(binding.nsDir(directory), 0);
    const ns = await newNamespace();
    assert.equal(binding.nsBind(ns, path), 0);
    assert.equal(binding.nsBind(ns, path), ERRNO.EEXIST);
    const { ino } = statSync(path);
    assert.equal(readlinkSync(`/proc/self/fd/${ns}`), `net:[${ino}]`);
    assert.equal(binding.nsClose(ns), 0);
    const again = binding.nsOpen(path);
    assert(again >= 0);
    assert.equal(statSync(`/proc/self/fd/${again}`).ino, ino);
    symlinkSync(path, `${directory}/link`);
    assert.equal(binding.nsOpen(`${directory}/link`), -40);
    writeFileSync(`${directory}/plain`, "");
    assert.equal(binding.nsOpen(`${directory}/plain`), ERRNO.EINVAL);
    assert.equal(binding.nsOpen("/proc/self/ns/mnt"), ERRNO.EINVAL);
    assert.equal(binding.nsBind(0, `${directory}/two`), ERRNO.EBADF);
    assert(!existsSync(`${directory}/two`));
    const ip = (...args: string[]) => spawnSync("ip", args, { encoding: "utf8" });
    if (ip("-V").error === undefined) {
      spawnSync("rm", [`${directory}/plain`, `${directory}/link`]);
      assert.match(ip("netns").stdout, /^one\b/m);
      const added = ip("netns", "add", "theirs");
      assert.equal(added.status, 0, added.stderr);
      const theirs = binding.nsOpen(`${directory}/theirs`);
      assert(theirs >= 0);
      assert.equal(binding.nsClose(theirs), 0);
      assert.equal(binding.nsUnbind(`${directory}/theirs`), 0);
      console.log("with ip");
    }
    assert.equal(binding.nsClose(again), 0);
    assert.equal(binding.nsUnbind(path), 0);
    assert.equal(binding.nsUnbind(path), ERRNO.ENOENT);
    assert(!existsSync(path));
    mkdirSync("/run/other");
    assert.equal(binding.nsBind(-1, "/run/other/self"), 0);
    assert.equal(`net:[${statSync("/run/other/self").ino}]`, home());
    assert.equal(binding.nsUnbind("/run/other/self"), 0);
  },
  /** Without any capability. */
  unprivileged: async () => {
    const c = new Connection();
    assert.equal(c.ask(getLink(1))[0]?.type, 16);
    assert.equal(await c.exchange(getLink(2)), 1);
    const made = await new Promise<number>((done) => loadBinding().nsNew(done));
    assert.equal(made, ERRNO.EPERM);
    const own = loadBinding().nsSelf();
    assert(own >= 0);
    assert.equal(loadBinding().open(AF_NETLINK, SOCK_RAW, 0, own), ERRNO.EPERM);
    assert.equal(loadBinding().nsEnter(own), ERRNO.EPERM);
    assert.equal(
      loadBinding().nsCall(own, () => assert.fail()),
      ERRNO.EPERM,
    );
    assert.equal(await readIn(own, FORWARD), ERRNO.EPERM);
    assert.equal(c.ask(setAlias(3, "no"))[0]?.type, 2);
    c.close();
  },
  /** In a user namespace that has one user: there is no other to give a device to. */
  tunRefused: async () => {
    const make = (owner: number, group: number): Promise<number> =>
      new Promise((done) => assert.equal(loadBinding().tunNew(-1, "tap0", 2, owner, group, done), 0));
    const there = async (): Promise<boolean> => {
      const names = await listIn(-1, "/proc/sys/net/ipv4/conf");
      return Array.isArray(names) && names.includes("tap0");
    };
    assert.equal(await make(12345, 0), ERRNO.EINVAL);
    assert.equal(await make(0, 12345), ERRNO.EINVAL);
    assert.equal(await there(), false);
    assert.equal(await make(0, 0), 0);
    assert.equal(await there(), true);
  },
  /** Makes events, as another process does: how many, and the pause before. */
  generate: () => {
    const count = Number(process.argv[3] ?? 1);
    const c = new Connection({ slots: 1, slot: 8192 });
    const start = performance.now();
    for (let i = 0; i < count; i++) c.ask(setAlias(i + 1, `s${i & 1}`));
    console.log(Math.round(count / ((performance.now() - start) / 1000)));
  },
  loads: () => {
    loadBinding();
    console.log("loaded");
  },
  loadFails: () => {
    try {
      loadBinding();
    } catch (error) {
      console.log(error instanceof Error ? error.message : "");
    }
  },
  loadElsewhere: () => {
    Object.defineProperty(process, "platform", { value: "darwin" });
    cases["loadFails"]?.();
  },
  /** The mistakes that a debug build plants; any sanitizer must end this with a report. */
  plant: () => {
    const binding: object = loadBinding();
    assert("plant" in binding && typeof binding.plant === "function", "not a debug build");
    binding.plant(Number(process.argv[3]));
  },
};

const inWorker: Record<string, (data: { ns: number; pid: string; own: string }) => unknown> = {
  nothing: () => {
    loadBinding();
  },
  round: async () => {
    const c = new Connection().monitor();
    for (let i = 1; i <= 50; i++) assert.equal(await c.exchange(getLink(i)), 1);
    poke();
    await until(() => c.events.length > 0, "an event");
    await newNamespace().catch(() => 0);
    c.close();
  },
  watching: () => {
    const c = new Connection().monitor();
    new Connection().monitor();
    c.onEvent = () => void setImmediate(poke);
    parentPort?.postMessage("up");
    poke();
  },
  exchanging: async () => {
    const all = [new Connection(), new Connection(), new Connection().monitor()];
    parentPort?.postMessage("up");
    await Promise.all(
      all.map(async (c) => {
        for (let i = 1; ; i++) await c.exchange(i % 2 ? dumpLinks(i) : null);
      }),
    );
  },
  writing: async ({ ns }) => {
    parentPort?.postMessage("up");
    for (let i = 0; ; i++) await writeIn(ns, "/proc/sys/net/ipv4/conf/all/forwarding", `${i % 2}\n`);
  },
  making: () => {
    parentPort?.postMessage("up");
    for (let i = 0; i < 3; i++) loadBinding().nsNew((fd) => loadBinding().nsClose(fd));
  },
  reading: () => {
    const out = new Uint8Array(256);
    const again = () => {
      loadBinding().nsRead(-1, FORWARD, out, again);
      loadBinding().nsList(-1, "/proc/sys/net", () => {});
    };
    parentPort?.postMessage("up");
    for (let i = 0; i < 4; i++) again();
  },
  exitOpen: () => {
    loadBinding().nsList(-1, "/proc/sys/net/ipv4", () => {});
    new Connection().monitor();
    open();
    const c = new Connection();
    loadBinding().exchange(c.handle, dumpLinks(1), c.slab, c.slot, c.meta, () => {});
    process.exit(0);
  },
  enter: ({ ns }) => {
    assert.equal(loadBinding().nsEnter(ns), 0);
    parentPort?.postMessage(home());
  },
  where: () => parentPort?.postMessage(home()),
  enterAndStat: async ({ ns }) => {
    assert.equal(loadBinding().nsEnter(ns), 0);
    await new Promise((done) => stat("/", done));
    await sleep(50);
  },
  observe: ({ pid, own }) => {
    let [looks, bad] = [0, 0];
    const end = performance.now() + 800;
    for (; performance.now() < end; looks++) if (readlinkSync(`/proc/${pid}/ns/net`) !== own) bad++;
    parentPort?.postMessage([looks, bad]);
  },
};

assertApart();
if (!isMainThread) {
  const data: { name: string; ns: number; pid: string; own: string } = workerData;
  const job = inWorker[data.name];
  if (job === undefined) throw new Error(`no job ${data.name}`);
  await job(data);
} else if (process.argv[2] !== undefined) {
  const job = cases[process.argv[2]];
  if (job === undefined) throw new Error(`no case ${process.argv[2]}`);
  await job();
}

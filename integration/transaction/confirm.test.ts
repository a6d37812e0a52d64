/** What nobody confirms is taken back, whatever becomes of the program that applied it. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { chmod, chown, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { kill } from "node:process";
import { derive } from "../../lib/fabric/fabric.ts";
import { processDirectory } from "../../lib/netns/processes.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";
import { bootId } from "../../lib/transaction/boot.ts";
import { confirm, discard, recover, recoverAll, revert } from "../../lib/transaction/ending.ts";
import { TransactionError } from "../../lib/transaction/error.ts";
import { describeReport, leaveReport, type Report, takeReport } from "../../lib/transaction/report.ts";
import { RevertedError } from "../../lib/transaction/reverted.ts";
import { namespaceOf, Store } from "../../lib/transaction/store.ts";
import { type TransactOptions, transact } from "../../lib/transaction/transaction.ts";
import type { Planned } from "../../lib/transaction/wanted.ts";
import { needs, skip } from "../../test/needs.ts";
import { dump, type Machine, type Scene, scene } from "../state/kit.ts";
import { difference, directory, endAll, eventually, run, start } from "./kit.ts";

const EXAMPLE = { file: "examples/two-hosts.yaml", host: "bm1" } as const;
const document = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));
const founding = async (): Promise<Desired> => desiredOf(derive(await readSource(EXAMPLE.file), EXAMPLE.host));

function code(expected: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    ok(error instanceof TransactionError, String(error));
    equal(error.code, expected);
    match(error.message, message);
    return true;
  };
}

/** One request. */
const LO = "linkwright: 1\nlinks: { lo: { mtu: 65000 } }\n";

describe("an application", function () {
  this.timeout(60_000);
  let hosts: Scene;
  let bm1: Machine;
  let place: Awaited<ReturnType<typeof directory>>;
  let before: string;
  let options: TransactOptions;
  beforeEach(async function () {
    needs(this, "ip", "bridge", "nft");
    hosts = await scene();
    bm1 = hosts.bm1;
    place = await directory();
    options = { directory: place.path };
    before = await dump(bm1);
  });
  afterEach(async () => {
    endAll();
    await hosts[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** What is not as it was. */
  const changed = async (): Promise<readonly string[]> => difference(before, await dump(bm1));
  const own = async (): Promise<string> => join(place.path, (await readdir(place.path))[0] ?? "");
  const isPending = async (): Promise<boolean> => (await readdir(await own())).includes("journal");

  it("is kept, and the second time there is nothing to do", async () => {
    const first = await transact(bm1.host, await founding(), options);
    equal(first.state, "committed");
    ok(first.requests > 0 && first.verification.ok && !(await isPending()));
    const second = await transact(bm1.host, await founding(), options);
    deepEqual([second.state, second.requests], ["unchanged", 0]);
    deepEqual(await recover(bm1.host, options), { state: "nothing" });
    await rejects(confirm(bm1.host, options), code("ERR_NOT_PENDING", /the last application, of .*, was committed at/));
    await rejects(revert(bm1.host, options), code("ERR_NOT_PENDING", /nothing waits to be confirmed/));
  });

  it("is kept when it is confirmed, and the guardian ends", async () => {
    const { state, deadline } = await transact(bm1.host, await founding(), { ...options, confirm: 60 });
    equal(state, "unconfirmed");
    ok(deadline !== undefined && Math.abs(deadline.getTime() - Date.now() - 60_000) < 5000);
    const now = await dump(bm1);
    const waits = code("ERR_PENDING", /waits to be confirmed; keep it with linkwright confirm/);
    await rejects(transact(bm1.host, await founding(), options), waits);
    await rejects(recover(bm1.host, options), code("ERR_PENDING", /waits (59|60) s more to be confirmed/));
    equal((await confirm(bm1.host, options)).state, "committed");
    deepEqual(difference(now, await dump(bm1)), []);
    // With a process in it, the namespace could not be ended without a complaint.
  });

  it("is taken back when nobody confirms", async () => {
    await transact(bm1.host, await founding(), { ...options, confirm: 3 });
    ok((await changed()).length > 0);
    await eventually(changed, []);
    await eventually(isPending, false);
    const late = /was reverted at .*: nobody confirmed it within 3 s/;
    await rejects(confirm(bm1.host, options), code("ERR_NOT_PENDING", late));
  });

  it("is asked the document's probes again after a guardian took it back, and the next command hears of it once", async () => {
    const probes = () => [{ ping: "192.168.0.24" }, { tcp: "192.168.0.99:22", timeout: 2 }];
    await transact(bm1.host, await founding(), { ...options, probes, confirm: 3 });
    equal(await takeReport(bm1.host, options), undefined);
    const words: string[] = [];
    const answered = async (): Promise<boolean> => {
      const word = await readFile(join(await own(), "report"), "utf8").catch(() => "");
      if (word !== "" && word !== words.at(-1)) words.push(word);
      return word.includes("checksAfter");
    };
    await eventually(answered, true);
    equal(words.length, 2, `there was no word before the probes had answered: ${words.join("")}`);
    const report = await takeReport(bm1.host, options);
    deepEqual([report?.reason, report?.exact], ["nobody confirmed it within 3 s", true]);
    const [ping, tcp] = report?.checksAfter ?? [];
    ok(ping?.ok === true && tcp?.ok === false, JSON.stringify(report?.checksAfter));
    match(ping.text, /^ping 192\.168\.0\.24: .*answered in/);
    match(
      describeReport(report as Report),
      /ended at .* without anybody to tell: nobody confirmed it within 3 s; the old state was put back$/,
    );
    equal(await takeReport(bm1.host, options), undefined);
  });

  it("leaves word of what a guardian could not put back, and why, until somebody else has done it", async () => {
    await bm1.sh("ip link add br0 type bridge; ip address add 192.0.2.1/24 dev br0");
    const desired = document("links: { br0: { addresses: [{ address: 192.0.2.1/24, state: absent }] } }");
    await transact(bm1.host, desired, { ...options, confirm: 3 });
    await bm1.sh("ip link delete br0");
    const path = join(await own(), "report");
    const word = (): Promise<string> => readFile(path, "utf8").catch(() => "");
    await eventually(async () => (await word()) !== "", true, 30_000);
    const said = await word();
    const report = await takeReport(bm1.host, options);
    equal(report?.exact, false);
    match(report?.text ?? "", /^the old state could not be put back: .*br0.*; try again with linkwright recover$/);
    ok(await isPending());
    // As if nobody had read it.
    await writeFile(path, said, { mode: 0o600 });
    await bm1.sh("ip link add br0 type bridge");
    const [{ ended } = {}] = await recoverAll(options);
    equal(ended?.state, "reverted");
    equal(await bm1.sh("ip -brief address show dev br0 | grep -o 192.0.2.1/24"), "192.0.2.1/24\n");
    deepEqual([await isPending(), await takeReport(bm1.host, options)], [false, undefined]);
  });

  it("hears no report that somebody edited, or that is a link", async () => {
    await transact(bm1.host, await founding(), options);
    const path = join(await own(), "report");
    await writeFile(path, "nonsense\n", { mode: 0o600 });
    await rejects(
      takeReport(bm1.host, options),
      code("ERR_JOURNAL", /report was edited or cut off, .*it is gone now$/),
    );
    equal(await takeReport(bm1.host, options), undefined);
    await symlink("/etc/passwd", path);
    await rejects(
      takeReport(bm1.host, options),
      code("ERR_STATE_DIRECTORY", /report: it is a symbolic link; remove it$/),
    );
    equal(await takeReport(bm1.host, { directory: join(place.path, "nowhere") }), undefined);
  });

  it("makes old news of a report about what was before", async () => {
    const { directory } = await Store.open(bm1.host, options);
    const what = { boot: bootId(), netns: namespaceOf(bm1.host), begun: "then", at: "then", reason: "so", text: "so" };
    await leaveReport(directory, { id: "1", ...what, exact: false });
    await transact(bm1.host, document("links: { lo: { mtu: 65000 } }"), options);
    equal(await takeReport(bm1.host, options), undefined);
    await bm1.sh("ip link set lo mtu 65536");
  });

  it("is taken back where the directory was named as seen from here", async () => {
    const here = { ...options, directory: relative(process.cwd(), place.path) };
    await transact(bm1.host, await founding(), { ...here, confirm: 3 });
    await eventually(changed, []);
    await eventually(isPending, false);
  });

  it("is taken back although somebody edited its journal meanwhile", async () => {
    await transact(bm1.host, await founding(), { ...options, confirm: 4 });
    const [own = ""] = await readdir(place.path);
    const path = join(place.path, own, "journal");
    await writeFile(path, (await readFile(path, "utf8")).replace('"step":1', '"step":2'));
    await rejects(confirm(bm1.host, options), code("ERR_JOURNAL", /was edited at line/));
    await eventually(changed, []);
    await eventually(isPending, false);
  });

  it("is taken back when somebody says so", async () => {
    const probes = () => [{ ping: "192.168.0.24" }];
    await transact(bm1.host, await founding(), { ...options, probes, confirm: 60 });
    const { state, wayBack, checksAfter } = await revert(bm1.host, options);
    equal(state, "reverted");
    deepEqual(
      checksAfter.map(({ ok }) => ok),
      [true],
    );
    deepEqual([wayBack.failed, wayBack.differing], [[], []]);
    deepEqual(await changed(), []);
  });

  it("is taken back at once when its program is killed on the way", async () => {
    const order = { call: "transact", directory: place.path, document: EXAMPLE, confirm: 60, at: 9 } as const;
    const { signal } = await run(bm1.namespace, order);
    equal(signal, "SIGKILL");
    await eventually(changed, []);
    await eventually(isPending, false);
  });

  it("is taken back when the whole group of its program is killed", async () => {
    const order = {
      call: "transact",
      directory: place.path,
      document: EXAMPLE,
      confirm: 60,
      at: 9,
      group: true,
    } as const;
    equal((await run(bm1.namespace, order)).signal, "SIGKILL");
    await eventually(changed, []);
  });

  it("is taken back when its program stops, which is then ended", async () => {
    const order = {
      call: "transact",
      directory: place.path,
      document: EXAMPLE,
      confirm: 2,
      at: 9,
      signal: "SIGSTOP",
    } as const;
    const { end } = start(bm1.namespace, order);
    equal((await end).signal, "SIGKILL");
    await eventually(changed, []);
    await eventually(isPending, false);
  });

  it("is taken back when its program is killed while it waits to be confirmed", async () => {
    const order = { call: "transact", directory: place.path, document: EXAMPLE, confirm: 2 } as const;
    const { code, out } = await run(bm1.namespace, order);
    equal(code, 0);
    equal((JSON.parse(out) as { state: string }).state, "unconfirmed");
    ok((await changed()).length > 0);
    await eventually(changed, []);
  });

  it("is taken back when a check fails, and the check is made again", async () => {
    let round = 0;
    const probe = async () => [{ ok: ++round > 1, text: `round ${round}` }];
    await rejects(transact(bm1.host, await founding(), { ...options, probe }), (error) => {
      ok(error instanceof RevertedError, String(error));
      equal(error.message, "round 1; the old state was put back");
      deepEqual(error.checksAfter, [{ ok: true, text: "round 2" }]);
      return true;
    });
    deepEqual(await changed(), []);
  });

  it("is planned anew where the host changes between plan and application", async () => {
    const plans: number[] = [];
    const onPlan = ({ plan: { steps } }: Planned): void => {
      plans.push(steps.length);
    };
    let moments = 0;
    // The journal has just been begun: somebody makes the bridge.
    const witness = (): void => {
      if (++moments === 2) void bm1.sh("ip link add br-vm type bridge");
    };
    const desired = document("links: { br-vm: { kind: bridge, mtu: 1400 } }");
    const slow = { ...options, witness, onPlan, confirm: 60 };
    const { state, plan } = await transact(bm1.host, desired, slow);
    equal(state, "unconfirmed");
    deepEqual(
      plan.steps.map(({ action }) => action),
      ["change"],
    );
    deepEqual(plans, [1, 1]);
    await revert(bm1.host, options);
    await bm1.sh("ip link show br-vm && ip link del br-vm");
  });

  it("waits for another, and names it", async () => {
    const stopped = { call: "transact", directory: place.path, document: EXAMPLE, at: 5, signal: "SIGSTOP" } as const;
    const { child, end } = start(bm1.namespace, stopped);
    await eventually(
      async () => /^State:\tT/m.test(await readFile(`${processDirectory(child.pid ?? 0)}/status`, "utf8")),
      true,
    );
    await rejects(
      transact(bm1.host, await founding(), { ...options, wait: 0.1 }),
      code("ERR_LOCKED", new RegExp(`^process ${child.pid} is changing this network namespace`)),
    );
    kill(child.pid ?? 0, "SIGCONT");
    equal((await end).code, 0);
    equal((await transact(bm1.host, await founding(), options)).state, "unchanged");
  });

  describe("does not begin, and changes nothing,", () => {
    afterEach(async () => deepEqual(await changed(), []));

    it("where the directory is a link, or others may write to it", async () => {
      const elsewhere = join(place.path, "elsewhere");
      await symlink("/tmp", elsewhere);
      const desired = await founding();
      await rejects(
        transact(bm1.host, desired, { directory: elsewhere }),
        code("ERR_STATE_DIRECTORY", /symbolic link/),
      );
      const open = join(place.path, "open");
      await mkdir(open);
      await chmod(open, 0o777);
      await rejects(transact(bm1.host, desired, { directory: open }), code("ERR_STATE_DIRECTORY", /others may write/));
      const missing = join(place.path, "no", "where");
      await rejects(transact(bm1.host, desired, { directory: missing }), code("ERR_STATE_DIRECTORY", /ENOENT/));
    });

    it("where the directory of the namespace is a link, or a file in it", async () => {
      deepEqual(await recover(bm1.host, options), { state: "nothing" });
      const directory = await own();
      const desired = await founding();
      const all = [
        () => transact(bm1.host, desired, options),
        () => recover(bm1.host, options),
        () => revert(bm1.host, options),
        () => confirm(bm1.host, options),
      ];
      await rename(directory, `${place.path}/moved`);
      await symlink(`${place.path}/moved`, directory);
      for (const one of all)
        await rejects(one, code("ERR_STATE_DIRECTORY", /netns-\d+: it is a symbolic link; remove it/));
      await rm(directory);
      await rename(`${place.path}/moved`, directory);
      await rm(join(directory, "lock"));
      await symlink("/etc/passwd", join(directory, "lock"));
      for (const one of all) await rejects(one, code("ERR_STATE_DIRECTORY", /lock: it is a symbolic link; remove it$/));
      await rm(join(directory, "lock"));
    });

    it("where a journal, or the directory, belongs to another user", async function () {
      const order = { call: "transact", directory: place.path, document: EXAMPLE, at: 4 } as const;
      equal((await run(bm1.namespace, order)).signal, "SIGKILL");
      const directory = await own();
      const desired = await founding();
      for (const [path, message] of [
        [join(directory, "journal"), /journal: it belongs to user 1; look at it, and remove it$/],
        [directory, /netns-\d+: it belongs to user 1; remove it, or name another with --state$/],
        [place.path, /: it belongs to user 1; remove it, or name another with --state$/],
      ] as const) {
        try {
          await chown(path, 1, 1);
        } catch (error) {
          if (!["EINVAL", "EPERM"].includes(String((error as { code?: unknown }).code))) throw error;
          skip(this, "only root can have files belong to another user");
        }
        for (const one of [transact(bm1.host, desired, options), recover(bm1.host, options), revert(bm1.host, options)])
          await rejects(one, code("ERR_STATE_DIRECTORY", message));
        await chown(path, 0, 0);
      }
      await discard(bm1.host, options);
    });

    it("where a journal was cut off after a line: what it does not say is named", async () => {
      const order = { call: "transact", directory: place.path, document: { text: LO }, at: 5 } as const;
      equal((await run(bm1.namespace, order)).signal, "SIGKILL");
      const path = join(await own(), "journal");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.slice(0, text.indexOf("\n") + 1));
      const ended = await recover(bm1.host, options);
      ok(ended.state === "reverted");
      deepEqual(
        ended.wayBack.differing.map(({ id }) => id),
        ["link lo"],
      );
      await bm1.sh("ip link set lo mtu 65536");
    });

    it("where a journal was edited or cut off; it can be taken away", async () => {
      const order = { call: "transact", directory: place.path, document: EXAMPLE, at: 4 } as const;
      equal((await run(bm1.namespace, order)).signal, "SIGKILL");
      const [own = ""] = await readdir(place.path);
      const path = join(place.path, own, "journal");
      const text = await readFile(path, "utf8");
      const desired = await founding();
      for (const [damaged, message] of [
        [text.replace("br-vm", "br-xx"), /was edited at line 1/],
        [text.slice(0, 100), /was cut off/],
        ["", /is empty/],
      ] as const) {
        await writeFile(path, damaged, { mode: 0o600 });
        await rejects(recover(bm1.host, options), code("ERR_JOURNAL", message));
        await rejects(transact(bm1.host, desired, options), code("ERR_JOURNAL", message));
      }
      equal(await discard(bm1.host, options), true);
      equal(await discard(bm1.host, options), false);
    });
  });
});

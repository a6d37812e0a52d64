/** What others do to a host while an application is under way. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Check } from "../../lib/transaction/checks.ts";
import { TransactionError } from "../../lib/transaction/error.ts";
import { RefusedError, RevertedError } from "../../lib/transaction/reverted.ts";
import { type TransactOptions, transact } from "../../lib/transaction/transaction.ts";
import { needs } from "../../test/needs.ts";
import { dump, type Machine, type Scene, scene } from "../state/kit.ts";
import { difference, directory } from "./kit.ts";

const document = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));
const NAT = "links: { br9: { kind: bridge } }\nnat: [{ masquerade: 192.0.2.0/24, out: ens34f0 }]";
const OURS = "table inet linkwright { chain theirs { type filter hook input priority 5; }; }";

describe("somebody else", function () {
  this.timeout(60_000);
  let hosts: Scene;
  let bm1: Machine;
  let place: Awaited<ReturnType<typeof directory>>;
  let options: TransactOptions;
  beforeEach(async function () {
    needs(this, "ip", "bridge", "nft", "nsenter", "ping");
    hosts = await scene();
    bm1 = hosts.bm1;
    place = await directory();
    options = { directory: place.path };
  });
  afterEach(async () => {
    await hosts[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** Does something at this very moment: the application waits for it. */
  const now = (script: string): void => {
    const place = `--net=/run/netns/${bm1.namespace.name}`;
    execFileSync("nsenter", [place, "sh", "-ec", script], { stdio: "pipe" });
  };
  /** Does it right before our rules are changed, each time or the first time; counts how often it was planned. */
  function before(script: string, times = 1): TransactOptions & { readonly plans: unknown[] } {
    const plans: unknown[] = [];
    let done = 0;
    const onProgress: TransactOptions["onProgress"] = ({ step, state }) => {
      if (step.object === "nftables" && state === "begin" && done++ < times) now(script);
    };
    return { ...options, plans, onProgress, onPlan: ({ plan }) => plans.push(plan.steps.map(({ action }) => action)) };
  }
  const isPending = async (): Promise<boolean> =>
    (await readdir(join(place.path, (await readdir(place.path))[0] ?? ""))).includes("journal");
  const unsteady = (error: unknown): boolean => {
    ok(error instanceof TransactionError, String(error));
    equal(error.code, "ERR_UNSTEADY");
    match(
      error.message,
      /^the host changed each of the 5 times that it was planned for, and is left as it was: find out/,
    );
    return true;
  };

  it("who makes a table of our name between plan and change is noticed, and it is planned again", async () => {
    const { plans, ...meanwhile } = before(`nft '${OURS}'`);
    const { state } = await transact(bm1.host, document(NAT), meanwhile);
    equal(state, "committed");
    deepEqual(plans, [
      ["create", "create"],
      ["change", "create"],
    ]);
  });

  it("who changes our table between plan and change is noticed, and what stood there comes back", async () => {
    await transact(bm1.host, document(NAT), options);
    const changed = "nft add rule inet linkwright postrouting oifname lo counter accept";
    const { plans, ...meanwhile } = before(changed);
    const other = document(NAT.replace("192.0.2.0", "198.51.100.0"));
    const probe = async (): Promise<readonly Check[]> => [{ ok: false, text: "take it back" }];
    await rejects(transact(bm1.host, other, { ...meanwhile, probe }), RevertedError);
    deepEqual(plans, [["change"], ["change"]]);
    match(await bm1.sh("nft list table inet linkwright"), /oifname "lo" counter .*accept/);
  });

  it("who changes our table before it is taken away is noticed", async () => {
    await transact(bm1.host, document(NAT), options);
    const { plans, ...meanwhile } = before("nft add rule inet linkwright postrouting oifname lo accept");
    await transact(bm1.host, document("nat: []"), meanwhile);
    deepEqual(plans, [["remove"], ["remove"]]);
    equal(await bm1.sh("nft list tables"), "");
  });

  it("who changes tables of their own does not matter, nor what counters count", async () => {
    await transact(bm1.host, document(NAT), options);
    await bm1.sh(`
      nft add chain inet linkwright theirs '{ type filter hook output priority 5; }'
      nft add rule inet linkwright theirs counter accept`);
    const { plans, ...meanwhile } = before("nft add table ip theirs; ping -c 1 -q 127.0.0.1");
    const onPlan: TransactOptions["onPlan"] = (planned) => {
      meanwhile.onPlan?.(planned);
      now("ping -c 1 -q 127.0.0.1");
    };
    await transact(bm1.host, document(NAT.replace("192.0.2.0", "203.0.113.0")), { ...meanwhile, onPlan });
    await transact(bm1.host, document(NAT.replace("192.0.2.0", "198.51.100.0")), meanwhile);
    deepEqual(plans, [["change"], ["change"]]);
    match(await bm1.sh("nft list ruleset"), /table ip theirs[\s\S]*198\.51\.100\.0/);
  });

  it("who never stops is told of, and the host is as it was", async () => {
    await transact(bm1.host, document("nat: [{ masquerade: 192.0.2.0/24, out: lo }]"), options);
    const found = await dump(bm1);
    const rules = before("nft add rule inet linkwright postrouting oifname lo accept", 99);
    await rejects(transact(bm1.host, document(NAT), rules), unsteady);
    equal(rules.plans.length, 5);
    deepEqual([...new Set(difference(found, await dump(bm1)))], ['+ \t\toifname "lo" accept']);
    let mtu = 1400;
    const onPlan = (): void => now(`ip link set lo mtu ${mtu--}`);
    await rejects(transact(bm1.host, document("links: { lo: { mtu: 2000 } }"), { ...options, onPlan }), unsteady);
    equal(mtu, 1395);
    match(await bm1.sh("ip link show lo"), /mtu 1396 /);
    equal(await isPending(), false);
  });

  describe("is the reason that the old state is put back, and the checks are made then,", () => {
    const probe = async (): Promise<readonly Check[]> => {
      const up = await bm1.sh("ip -brief link show br9 2>/dev/null || true");
      return [{ ok: true, text: up === "" ? "none" : "there" }];
    };
    const after = [{ ok: true, text: "none" }];

    it("where what was read back is not what was applied", async () => {
      const onProgress: TransactOptions["onProgress"] = ({ state }) => {
        if (state === "done") now("ip link set br9 mtu 1300");
      };
      const desired = document("links: { br9: { kind: bridge, mtu: 1400 } }");
      await rejects(transact(bm1.host, desired, { ...options, onProgress, probe }), (error) => {
        ok(error instanceof RevertedError, String(error));
        deepEqual([error.verification?.ok, error.checks, error.checksAfter], [false, [], after]);
        return true;
      });
    });

    it("where a step is refused, and not where nothing had been done", async () => {
      const refused = async (body: string): Promise<RefusedError> => {
        let found: unknown;
        await rejects(transact(bm1.host, document(body), { ...options, probe }), (error) => {
          found = error;
          return true;
        });
        ok(found instanceof RefusedError, String(found));
        return found;
      };
      const route = "routes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]";
      const { code, undone, checksAfter, message } = await refused(`links: { br9: { kind: bridge } }\n${route}`);
      deepEqual([code, undone.map(({ id }) => id), checksAfter], ["ERR_APPLY", ["link br9"], after]);
      match(message, /cannot create route 10\.9\.0\.0\/16/);
      deepEqual((await refused(route)).checksAfter, []);
    });

    it("where whoever is told of the progress fails", async () => {
      const found = await dump(bm1);
      const onProgress: TransactOptions["onProgress"] = ({ number, state }) => {
        if (number === 2 && state === "begin") throw new Error("no terminal");
      };
      const desired = document("links: { br9: { kind: bridge }, lo: { mtu: 2000 } }");
      await rejects(transact(bm1.host, desired, { ...options, onProgress, probe }), (error) => {
        ok(error instanceof RevertedError, String(error));
        equal(error.message, "no terminal; the old state was put back");
        deepEqual(error.checksAfter, after);
        return true;
      });
      deepEqual(difference(found, await dump(bm1)), []);
      equal(await isPending(), false);
    });
  });
});

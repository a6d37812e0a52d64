/** Links whose IPv6 addresses are made of a secret of their own keep it, and nobody is told it. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { apply } from "../../lib/state/apply.ts";
import { describePlan } from "../../lib/state/describe.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { Secrets } from "../../lib/state/secrets.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan, Request, Step } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { decode, encode } from "../../lib/transaction/encoding.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { changedSteps, type KeptDocument, keep, planFor, takeUp } from "../../lib/transaction/wanted.ts";
import { type Machine, type Scene, scene } from "./kit.ts";

const SECRET = "2001:0db8:05ec:02e7:0000:0000:0000:5151";
const OTHER = "2001:0db8:05ec:02e7:0000:0000:0000:6161";

describe("a link with a stable_secret of its own", function () {
  this.timeout(60_000);
  let both: Scene;
  let bm1: Machine;
  let folder: string;
  beforeEach(async () => {
    both = await scene();
    bm1 = both.bm1;
    folder = await mkdtemp(join(tmpdir(), "linkwright-secret-"));
  });
  afterEach(async () => {
    await both[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const secretOf = (name: string): string => `/proc/sys/net/ipv6/conf/${name}/stable_secret`;
  /** Secret, way of making addresses, and the link-local address that comes of both. */
  const told = (name: string): Promise<string> =>
    bm1.sh(`cat ${secretOf(name)}; ip -d link show ${name} | grep -o 'addrgenmode [a-z0-9_]*'
      ip -6 -o address show dev ${name} scope link | awk '{ print $4 }'`);
  const documented = (links: string) => desiredOf(parseSource(`linkwright: 1\nlinks: ${links}\n`, "f.yaml"));
  const undoing = (made: Plan): readonly Request[] =>
    made.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));

  for (const mode of ["stable_secret", "eui64", "none", "random"])
    it(`has it again where it is made again and where that is undone, with addresses by ${mode}`, async () => {
      await bm1.sh(`ip link add vx0 type vxlan id 5 dstport 4789 dev ens34f0
        ip link set vx0 address 02:00:00:00:00:05; echo ${SECRET} >${secretOf("vx0")}
        ip link set vx0 addrgenmode ${mode}; ip link set vx0 up`);
      const before = await told("vx0");
      match(before, new RegExp(`${SECRET}\\naddrgenmode ${mode}`));
      const wanted = documented("{ vx0: { kind: vxlan, vni: 6, dev: ens34f0 } }");
      const made = plan(await observe(bm1.host, wanted), wanted);
      equal(made.steps[0]?.action, "recreate");
      doesNotMatch(JSON.stringify(made), /05ec:02e7/);
      const secrets = new Secrets(folder);
      await apply(bm1.host, made, { allowRecreate: true, secrets });
      match(await bm1.sh("ip -d link show vx0"), /vxlan id 6 /);
      equal(await told("vx0"), before);
      for (const name of await readdir(folder)) equal((await stat(join(folder, name))).mode & 0o777, 0o600);
      // Somebody who goes back after a crash has nothing but the files.
      deepEqual(await undo(bm1.host, undoing(made), new Secrets(folder)), []);
      match(await bm1.sh("ip -d link show vx0"), /vxlan id 5 /);
      equal(await told("vx0"), before);
      await secrets.forget();
      deepEqual(await readdir(folder), []);
    });

  it("has it again after a removal that is undone, the other end of a veth too, also where default has another one", async () => {
    await bm1.sh(`echo ${OTHER} >${secretOf("default")}; ip link add va type veth peer name vb
      echo ${SECRET} >${secretOf("vb")}; ip link set vb up; ip link set va up`);
    const before = [await told("va"), await told("vb")];
    const wanted = documented("{ va: { kind: veth, peer: { name: vb } } }");
    const made = planRemoval(await observe(bm1.host, wanted, { removal: true }), wanted);
    doesNotMatch(JSON.stringify(made), /05ec:02e7/);
    await apply(bm1.host, made);
    equal(await bm1.host.links.get("va"), undefined);
    deepEqual(await undo(bm1.host, undoing(made)), []);
    deepEqual([await told("va"), await told("vb")], before);
  });

  describe("where a document has it", () => {
    const WRITTEN = "2001:db8:9:9:9:9:9:9";
    const FULL = "2001:0db8:0009:0009:0009:0009:0009:0009";
    const wanted = () =>
      desiredOf(
        parseSource(
          `linkwright: 1\nlinks: { br9: { kind: bridge, mtu: 1400 } }\nsysctls: { net.ipv6.conf.br9.stable_secret: "${WRITTEN}" }\n`,
          "f.yaml",
        ),
      );
    const hides = (text: string): void => doesNotMatch(text, /05ec:02e7|:9:9:9|:0009:0009/);
    const is = async (): Promise<string> => (await bm1.sh(`cat ${secretOf("br9")}`)).trim();
    const told = async (): Promise<string> => {
      const made = plan(await observe(bm1.host, wanted()), wanted());
      const { differences, warnings } = await verify(bm1.host, wanted());
      return JSON.stringify([made, describePlan(made), differences, warnings]) + inspect(made, { depth: 20 });
    };
    beforeEach(() => bm1.sh(`ip link add br9 type bridge; echo ${SECRET} >${secretOf("br9")}`));

    it("is set however it is written, and stands in no plan and in no file", async () => {
      const before = await told();
      match(before, /stable_secret {2}another secret → the document's secret/);
      hides(before);
      const directory = join(folder, "state");
      await transact(bm1.host, wanted(), { directory });
      equal(await is(), FULL);
      const files = await bm1.sh(`find ${directory} -type f; grep -rh . ${directory}`);
      match(files, /\/last\n/);
      hides(files);
      deepEqual(plan(await observe(bm1.host, wanted()), wanted()).steps, []);
      hides(await told());
    });

    it("comes back, also by somebody who has nothing but the files", async () => {
      const made = plan(await observe(bm1.host, wanted()), wanted());
      await apply(bm1.host, made, { secrets: new Secrets(folder) });
      equal(await is(), FULL);
      deepEqual(await undo(bm1.host, decode(encode(undoing(made))) as Request[], new Secrets(folder)), []);
      equal(await is(), SECRET);
    });

    for (const state of ["set", "as it was"])
      it(`is known to be exactly as before where all is taken back, with a secret that is ${state}`, async () => {
        if (state === "as it was") await bm1.sh(`echo ${FULL} >${secretOf("br9")}`);
        const before = await is();
        const desired = wanted();
        const { plan: made } = await planFor(bm1.host, { desired, mode: "apply" });
        const kept = decode(encode(keep({ desired, mode: "apply" }, made.steps))) as KeptDocument;
        hides(JSON.stringify(kept));
        const steps = decode(encode(made.steps)) as Step[];
        deepEqual(changedSteps(steps, (await planFor(bm1.host, takeUp(kept))).plan.steps), []);
        equal(await is(), before);
      });
  });

  it("is told to have lost it where nobody kept it, without a word of what it was", async () => {
    await bm1.sh(`ip link add br9 type bridge; echo ${SECRET} >${secretOf("br9")}`);
    const wanted = documented("{ br9: { kind: bridge, state: absent } }");
    const made = plan(await observe(bm1.host, wanted), wanted);
    await apply(bm1.host, made, { secrets: new Secrets(folder) });
    await new Secrets(folder).forget();
    const failed = await undo(bm1.host, undoing(made), new Secrets(folder));
    ok(failed.some(({ cause }) => /the former stable_secret of br9 was not kept; set it by hand/.test(String(cause))));
    doesNotMatch(JSON.stringify(failed.map(({ cause }) => String(cause))), /05ec:02e7/);
  });
});

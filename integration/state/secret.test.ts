/** Links whose IPv6 addresses are made of a secret of their own keep it, and nobody is told it. */
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apply } from "../../lib/state/apply.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { Secrets } from "../../lib/state/secrets.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan, Request } from "../../lib/state/step.ts";
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

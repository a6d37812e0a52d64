/** Applications by a command that somebody started over SSH. */
import assert from "node:assert";
import type { SshClient } from "../../lib/probe/index.ts";
import { needs } from "../../test/needs.ts";
import { session } from "../probe/session.ts";
import type { Machine } from "../state/kit.ts";
import { Documents, type Ended, linkwright } from "./kit.ts";

const NEW = "links: { br9: { kind: bridge } }";
const CUT = "addresses: [{ address: 192.168.0.23/24, dev: ens34f0, state: absent }]";
/** The way to that gateway leads nowhere, which the kernel says when the bridge is there already. */
const REFUSED = `${NEW}\nroutes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]`;

describe("a command that was started over SSH", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ip");
  });
  afterEach(() => {
    delete process.env["SSH_CONNECTION"];
  });

  type Run = (command: string, ...more: readonly string[]) => Ended;
  /** Gives what runs commands about a document on bm1, as somebody does who sits on bm2. */
  async function sitting(body: string, step: (run: Run, bm1: Machine, client: SshClient) => Promise<void>) {
    await session(async ({ bm1 }, client) => {
      using documents = new Documents();
      const file = documents.write(`linkwright: 1\n${body}\n`);
      const { address, port, local, localPort } = client;
      process.env["SSH_CONNECTION"] = `${address} ${port} ${local} ${localPort}`;
      const run: Run = (command, ...more) => linkwright(command, ...more, "--netns", bm1.namespace.name ?? "");
      await step((command, ...more) => (command === "apply" ? run(command, file, ...more) : run(command)), bm1, client);
    });
  }

  it("has 120 seconds to confirm, and says so; another number counts more", () =>
    sitting(NEW, async (run, bm1) => {
      const applied = run("apply");
      assert.equal(applied.status, 0, applied.stderr);
      assert.match(
        applied.stdout,
        /^to be confirmed within 120 s \(started over SSH from 192\.168\.0\.24; --confirm 0 waits for nobody\)$/m,
      );
      assert.match(applied.stdout, /^✓ ssh client: 192\.168\.0\.24 port \d+ by ens34f0: /m);
      assert.match(applied.stdout, /^the old state is put back at [\d:]+ unless somebody runs: linkwright confirm/m);
      assert.match(run("verify").stderr + run("revert").stdout, /the old state was put back/);
      const { stdout } = run("apply", "--confirm", "0");
      assert.doesNotMatch(stdout, /to be confirmed|is put back at/);
      assert.match(stdout, /^✓ ssh client: /m);
      await bm1.sh("ip link show br9");
    }));

  it("is taken back where its client is cut off, and says that it is reached again", () =>
    sitting(CUT, async (run, bm1) => {
      const { status, stdout, stderr } = run("apply");
      assert.equal(status, 1);
      assert.match(stderr, /ssh client: .* no route to it \(ENETUNREACH\); the old state was put back$/m);
      const [before = "", after = ""] = stdout.split("after the old state was put back:\n");
      assert.match(before, /^✗ ssh client: .*ENETUNREACH/m);
      assert.match(after, /^✓ ssh client: .* by ens34f0: /m);
      await bm1.sh("ip address show dev ens34f0 | grep 192.168.0.23/24");
    }));

  it("asks for its client also where a step was refused", () =>
    sitting(REFUSED, async (run, bm1) => {
      const { status, stdout, stderr } = run("apply");
      assert.equal(status, 1);
      assert.match(stderr, /cannot create route 10\.9\.0\.0\/16.*\(step 2 of 2, undone\)/);
      assert.match(stdout, /^after the old state was put back:\n✓ ssh client: .* by ens34f0: /m);
      assert.equal(await bm1.sh("ip link show br9 2>/dev/null || true"), "");
      const { error } = JSON.parse(run("apply", "--json").stdout) as { error: { code: string; details: object } };
      assert.equal(error.code, "ERR_APPLY");
      assert.deepEqual(Object.keys(error.details), ["checksAfter"]);
    }));
});

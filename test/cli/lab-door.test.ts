import assert from "node:assert";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { knock, openDoor } from "../../lib/cli/lab-door.ts";
import type { Lab } from "../../lib/testkit/lab.ts";

describe("lab: its door", () => {
  let base = "";
  let path = "";
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "linkwright-test-"));
    path = join(base, "lab.sock");
  });
  afterEach(() => {
    rmSync(base, { recursive: true, force: true });
  });

  const faults: string[] = [];
  const lab = {
    hosts: ["bm1"],
    fault: async (name: string, host: string) => void faults.push(`${name} on ${host}`),
    files: async () => ({ root: "/files" }),
  } as unknown as Lab;

  async function said(pieces: readonly string[]): Promise<unknown> {
    const client = connect(path).setEncoding("utf8");
    client.on("error", () => undefined);
    const closed = once(client, "close");
    let text = "";
    client.on("data", (more: string) => {
      text += more;
    });
    for (const piece of pieces) {
      client.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await closed;
    return JSON.parse(text);
  }

  it("takes a wish, also in pieces, and hangs up", async () => {
    using _ = await openDoor(path, lab);
    const answer = { fault: "mute", host: "bm1", root: "/files" };
    assert.deepEqual(await knock(path, { fault: "mute" }), answer);
    assert.deepEqual(await said(['{"fau', 'lt":"mute"', '}\n{"more']), answer);
    assert.deepEqual(faults.splice(0), ["mute on bm1", "mute on bm1"]);
  });

  it("takes no wish that is longer than any, or none", async () => {
    using _ = await openDoor(path, lab);
    const code = (answer: unknown): unknown => (answer as { code: unknown }).code;
    assert.equal(code(await said([`{"fault":"${"x".repeat(5000)}"}\n`])), "ERR_LONG_LINE");
    assert.equal(code(await said(["x".repeat(5000)])), "ERR_LONG_LINE");
    await assert.rejects(knock(path, { fault: "x".repeat(5000) }), { code: "ERR_LONG_LINE" });
    assert.equal(code(await said(["mute\n"])), "ERR_LAB");
    assert.deepEqual(faults, []);
  });

  it("is not listened to for ever, nor without an answer", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).end(tells);
    });
    server.listen(path);
    await once(server, "listening");
    let tells = "";
    await assert.rejects(knock(path, { fault: "mute" }), { code: "ERR_LAB", message: /hung up without a line/ });
    tells = "x".repeat(100_000);
    await assert.rejects(knock(path, { fault: "mute" }), { code: "ERR_LAB", message: /more than 65536 bytes/ });
    server.close();
  });
});

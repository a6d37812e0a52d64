import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Netns } from "../../lib/netns/netns.ts";
import { LeakError, leakCheck } from "../../lib/testkit/leaks.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";

describe("testkit: throw-away namespaces", () => {
  it("are gone with their block, guests included", async () => {
    const check = leakCheck();
    let name = "";
    {
      await using netns = await TestNamespace.create({ strict: true });
      name = netns.name ?? "";
      assert(Netns.list().includes(name));
      const guest = await netns.guest();
      await guest.echoTcp();
    }
    assert(!Netns.list().includes(name));
    await check();
  });

  it("find a process that was left inside", async () => {
    const netns = await TestNamespace.create({ settle: 20 });
    const child = netns.run("sleep", ["60"], { stdio: "ignore" });
    await assert.rejects(netns.end(), (error) => {
      assert(error instanceof LeakError);
      assert.deepEqual(error.leaks, [`${netns.name}: process ${child.pid} (sleep) lives in it`]);
      return true;
    });
    child.kill();
    await once(child, "close");
    await netns.end();
  });

  it("wait for a process that is about to leave", async () => {
    await using netns = await TestNamespace.create();
    netns.run("sleep", ["0.1"], { stdio: "ignore" });
  });

  it("find a descriptor that was left open", async () => {
    const netns = await TestNamespace.create({ settle: 20 });
    const again = Netns.open(netns.name ?? "");
    await assert.rejects(netns.end(), /has it open/);
    again.close();
  });
});

describe("testkit: the leak check", () => {
  const planted: readonly (readonly [string, RegExp, () => Promise<() => Promise<unknown>>])[] = [
    [
      "a namespace",
      /left behind: namespace lw-left$/,
      async () => {
        (await Netns.create("lw-left")).close();
        return () => Netns.remove("lw-left");
      },
    ],
    [
      "a descriptor",
      /left behind: descriptor of net:\[\d+\]$/,
      async () => {
        const netns = await Netns.create();
        return async () => netns.close();
      },
    ],
    [
      "a process",
      /process \d+ \(sleep\)$/,
      async () => {
        using here = Netns.current();
        const child = here.run("sleep", ["60"], { stdio: "ignore" });
        return async () => {
          child.kill();
          await once(child, "close");
        };
      },
    ],
    [
      "a process that nobody is the parent of",
      /process \d+ \(sleep\)$/,
      async () => {
        using here = Netns.current();
        const shell = here.run("sh", ["-c", "sleep 60 >/dev/null 2>&1 & echo $!"], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        let text = "";
        shell.stdout?.on("data", (data) => {
          text += String(data);
        });
        await once(shell, "close");
        return async () => process.kill(Number(text), "SIGKILL");
      },
    ],
  ];
  for (const [title, words, plant] of planted)
    it(`finds ${title}`, async () => {
      const check = leakCheck({ settle: 20 });
      const cure = await plant();
      await assert.rejects(check(), words);
      await cure();
      await leakCheckAgain(check);
    });
  async function leakCheckAgain(check: () => Promise<void>): Promise<void> {
    for (let i = 0; i < 20; i++) {
      try {
        return await check();
      } catch {
        await sleep(20);
      }
    }
    await check();
  }
  it("lets what is named stay", async () => {
    const check = leakCheck({ settle: 0, ignore: /namespace lw-kept/ });
    (await Netns.create("lw-kept")).close();
    await check();
    await Netns.remove("lw-kept");
  });
});

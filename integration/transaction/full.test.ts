/** A journal on a disk that is full now and then. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import { bootId } from "../../lib/transaction/boot.ts";
import { Journal } from "../../lib/transaction/journal.ts";
import { directory } from "./kit.ts";

describe("a journal on a full disk", () => {
  it("loses what there was no room for, and nothing else", async () => {
    assertSandboxed();
    await using place = await directory();
    const mount = (...args: readonly string[]): void => {
      const { status, stderr } = spawnSync(args[0] ?? "", args.slice(1), { encoding: "utf8" });
      equal(status, 0, stderr);
    };
    mount("mount", "-t", "tmpfs", "-o", "size=32k,mode=0700", "test", place.path);
    try {
      const document = { mode: "apply", file: "f.yaml", value: { linkwright: 1 } } as const;
      const netns = { inode: 1 };
      const journal = await Journal.create(place.path, {
        boot: bootId(),
        netns,
        pid: 1,
        at: "now",
        document,
        steps: [],
      });
      const filler = join(place.path, "filler");
      await writeFile(filler, Buffer.alloc(24 * 1024));
      await chmod(filler, 0o600);
      let written = 0;
      const fill = async (): Promise<void> => {
        for (;;) {
          await journal.append({ type: "do", step: written, move: 0 });
          written++;
        }
      };
      await rejects(fill(), { code: "ENOSPC" });
      await journal.note({ type: "back", reason: "there is no room for this either".repeat(100) });
      await rm(filler);
      await journal.append({ type: "back", reason: "now there is" });
      await journal[Symbol.asyncDispose]();
      const record = await Journal.read(place.path);
      ok(written > 0);
      equal(record?.entries.length, written + 1);
      deepEqual(record?.entries.at(-1), { type: "back", reason: "now there is" });
    } finally {
      mount("umount", place.path);
    }
  });
});

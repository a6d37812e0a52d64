import { deepEqual, rejects } from "node:assert/strict";
import { witnessed } from "../../lib/doctor/witness.ts";

/** Counts on a host whose nf_tables refuses the table at the time of that number. */
async function counted(code: string, at: number): Promise<{ readonly why: unknown; readonly deleted: number }> {
  let [times, deleted] = [0, 0];
  const nftables = {
    replace: async () => {
      if (++times === at) throw Object.assign(new Error(code), { code });
    },
    get: async () => undefined,
    delete: async () => void deleted++,
  };
  const bridge = { name: "br", kind: "bridge" };
  const link = { name: "vx", master: "br", mtu: 1450 };
  const view = { links: [bridge, link], tunnels: [{ link }] };
  const { why } = await witnessed({ nftables } as never, view as never, async () => undefined).catch((error) => {
    throw Object.assign(error, { deleted });
  });
  return { why, deleted };
}

describe("what --witness says where it cannot count", () => {
  const NONE = "what guests send: this kernel has no nf_tables for bridges to count it";
  it("is what the kernel has not got", async () => {
    for (const code of ["EOPNOTSUPP", "EINVAL", "ENOENT"]) deepEqual(await counted(code, 1), { why: NONE, deleted: 0 });
    const why = "what guests send: this kernel has no expressions of nf_tables to count it";
    deepEqual(await counted("ENOENT", 2), { why, deleted: 1 });
  });

  it("is no excuse for rules that are wrong", async () => {
    await rejects(counted("EINVAL", 2), { code: "EINVAL", deleted: 1 });
    await rejects(counted("EBUSY", 1), { code: "EBUSY", deleted: 0 });
  });

  it("is nothing where it can", async () => deepEqual(await counted("", 0), { why: undefined, deleted: 1 }));
});

import { Netns } from "../../lib/netns/netns.ts";
import { Connection } from "../../lib/socket/index.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import { needs } from "../../test/needs.ts";
import { Studio } from "../../test/socket/recordings.ts";
import { scenarios } from "../../test/socket/scenarios.ts";

const studio = new Studio("scenarios");

describe("socket: conversations with a real kernel", () => {
  before(() => assertSandboxed());
  after(() => studio.save());
  for (const { title, protocol, run } of scenarios)
    for (const inline of [false, true])
      it(inline ? `${title}, on the calling thread` : title, async function () {
        if (title.startsWith("nf_tables")) needs(this, "nft");
        const netns = await Netns.create();
        const kernel = KernelTransport.open({ protocol, netns: netns.fd });
        await using connection = Connection.over(inline ? kernel : studio.record(title, kernel), { inline });
        try {
          await run(connection);
        } finally {
          netns.close();
        }
      });
});

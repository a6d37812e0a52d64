/** Whether a live object can be changed, word by word: asked of the kernel, and compared with what our planner says. */
import { needs, skip } from "../../test/needs.ts";
import { scene } from "../links/kit.ts";
import { BRIDGES } from "./bridges.ts";
import { ENTRIES, LINKS } from "./entries.ts";
import { isLeftOut, tryAll } from "./kit.ts";
import { TRAFFIC } from "./traffic.ts";

describe("changes of live objects", function () {
  this.timeout(180_000);
  before(function () {
    needs(this, "ip", "bridge", "tc");
  });

  for (const tries of [...ENTRIES, ...BRIDGES, ...TRAFFIC])
    it(`${tries.kind}: each word`, async function () {
      if (isLeftOut(tries)) skip(this, "tried on the machine's own kernel");
      await using here = await scene(LINKS);
      const lacks = await tryAll(tries, here);
      if (lacks.length === Object.keys(tries.words).length) skip(this, `this kernel has none: ${lacks[0]}`);
    });
});

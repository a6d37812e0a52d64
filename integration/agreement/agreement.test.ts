/**
 * Whatever is drawn at random, written by us or by iproute2, is read alike by both and is as it was asked for. Objects
 * that the kernel refuses do not count; how many were compared is printed.
 */
import { ok } from "node:assert/strict";
import { firstTryCounts, needs, skip } from "../../test/needs.ts";
import { scene as linkScene } from "../links/kit.ts";
import { type Scene, scene } from "../routes/kit.ts";
import { addressesIn } from "./addresses.ts";
import { entriesIn, FAR_ENDS } from "./entries.ts";
import { agreeOn, type Sort } from "./kit.ts";
import { lacking, linksIn, SORTS, sortsHere, UNDER } from "./links.ts";
import { routesIn } from "./routes.ts";
import { FILTERING, vlansIn } from "./vlans.ts";

/** Objects of each sort: 2,000 of the four that every kernel has, and VLANs of a bridge. Fewer on an emulated processor. */
const WANTED = process.env["LINKWRIGHT_LOAD"] === "0" ? 25 : 500;
/** Links of each kind alone, and VLANs at the least: for some of these, such a processor's kernel is the only one. */
const LINKS_OF_KIND = 10;
const VLANS = 100;

describe("random agreement with iproute2", function () {
  this.timeout(180_000);
  firstTryCounts(this);
  before(function () {
    needs(this, "ip", "bridge");
  });

  async function agree<C>(here: Pick<Scene, "sh">, sort: Sort<C>, least = 0): Promise<void> {
    const wanted = Math.max(WANTED, least);
    const { compared, refused } = await agreeOn(sort, here.sh, wanted);
    ok(compared >= wanted);
    console.log(`      ${sort.name}: ${compared} compared, ${refused.length} refused by the kernel`);
  }

  it("on addresses", async () => {
    await using here = await scene();
    await agree(here, addressesIn(here));
  });

  it("on routes", async () => {
    await using here = await scene();
    await agree(here, routesIn(here));
  });

  it("on forwarding entries", async () => {
    await using here = await scene();
    await here.sh(FAR_ENDS);
    await agree(here, entriesIn(here));
  });

  describe("on links", () => {
    // A kernel without a kind skips its test, so that another one is asked for it.
    for (const sort of SORTS)
      it(`of kind ${sort}`, async function () {
        await using here = await linkScene(UNDER);
        const reason = await lacking(here, sort);
        if (reason !== undefined) skip(this, `this kernel has no ${sort}: ${reason}`);
        const { compared } = await agreeOn(linksIn(here, [sort]), here.sh, LINKS_OF_KIND);
        ok(compared >= LINKS_OF_KIND);
      });

    it("of all kinds beside each other", async () => {
      await using here = await linkScene(UNDER);
      const present = await sortsHere(here);
      await agree(here, linksIn(here, present));
      console.log(`      of ${present.join(", ")}`);
    });
  });

  it("on VLANs of a bridge", async function () {
    await using here = await scene();
    const reason = await here.sh(FILTERING).then(
      () => undefined,
      (error: Error) => error.message.trim().split(": ").at(-1),
    );
    if (reason !== undefined) skip(this, `no VLAN filtering here: ${reason}`);
    await agree(here, vlansIn(here), VLANS);
  });
});

/** A program that is killed anywhere leaves the old state or the new one, once it was recovered from. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { load, needs } from "../../test/needs.ts";
import { dump, type Machine, scene } from "../state/kit.ts";
import { difference, directory, type End, run } from "./kit.ts";
import type { Order } from "./program.ts";

const FOUNDING = { file: "examples/two-hosts.yaml", host: "bm1" } as const;

function moments({ out, said }: End): number {
  const { moments } = JSON.parse(out || "{}") as { moments?: number };
  ok(moments !== undefined && moments > 0, said);
  return moments;
}

describe("an application that is killed", function () {
  this.timeout(600_000);
  let place: Awaited<ReturnType<typeof directory>>;
  before(function () {
    load(this);
    needs(this, "ip", "bridge", "nft");
  });
  beforeEach(async () => {
    place = await directory();
  });
  afterEach(async () => {
    await place[Symbol.asyncDispose]();
  });

  /** Recovers, and once more; says what the first time came to. */
  async function recovered({ namespace }: Machine): Promise<string> {
    const order: Order = { call: "recover", directory: place.path };
    const first = await run(namespace, order);
    equal(first.code, 0, first.said);
    const second = await run(namespace, order);
    deepEqual(JSON.parse(second.out), { state: "nothing", moments: 0 });
    return (JSON.parse(first.out) as { state: string }).state;
  }

  it("before and after each line of the journal and so each request, leaves the old state or the new", async () => {
    const order: Order = { call: "transact", directory: place.path, document: FOUNDING };
    let all = Number.POSITIVE_INFINITY;
    const states: string[] = [];
    for (let at = 0; at <= all; at++) {
      await using hosts = await scene();
      const { bm1 } = hosts;
      const before = await dump(bm1);
      const end = await run(bm1.namespace, { ...order, at });
      if (at === 0) {
        all = moments(end);
        continue;
      }
      equal(end.signal, "SIGKILL", end.said);
      const killed = await dump(bm1);
      const state = await recovered(bm1);
      const now = await dump(bm1);
      deepEqual(difference(state === "committed" ? killed : before, now), [], `${state} after moment ${at} of ${all}`);
      states.push(state);
    }
    // Two moments around each line; before the first there is nothing, after the last but one it is kept.
    equal(states.length, all);
    deepEqual(states.slice(-3), ["committed", "committed", "committed"]);
    equal(states.filter((state) => state === "reverted").length, all - 4);
  });
});

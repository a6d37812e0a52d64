import assert from "node:assert/strict";
import { Batch } from "../../lib/socket/batch.ts";
import { type Command, command } from "../../lib/socket/index.ts";
import type { Job, Whole } from "../../lib/socket/outbox.ts";
import { newlink } from "./kinds.ts";

const COMMANDS = Array.from({ length: 1000 }, (_, n) => command(newlink, { header: {}, attrs: { ifname: `b${n}` } }));

/** A batch whose datagrams go nowhere. */
function batch(commands: Iterable<Command> = COMMANDS): Whole[] {
  const jobs: Whole[] = [];
  let next = 1;
  const sequence = (count: number): number => {
    next += count;
    return next - count;
  };
  const submit = (job: Job): void => void jobs.push(job as Whole);
  new Batch(commands, { sequence, submit }, { resolve: () => assert.fail(), reject: () => assert.fail() });
  return jobs;
}
const begin = (jobs: readonly Whole[], at: number, through: object): void => jobs[at]?.gone(through);
const memory = (jobs: readonly Whole[]): unknown[] => jobs.map(({ packet }) => packet.u8.buffer);

describe("socket: a batch", () => {
  it("writes with two pieces of memory in turn", () => {
    const jobs = batch();
    const socket = {};
    for (const at of [0, 1, 2]) begin(jobs, at, socket);
    const [first, second, third, fourth] = memory(jobs);
    assert.notEqual(first, second);
    assert.deepEqual([third === first, fourth === second], [true, true]);
  });

  it("takes its commands as it writes them", () => {
    let made = 0;
    function* commands(): Generator<Command> {
      for (const one of COMMANDS) {
        made++;
        yield one;
      }
    }
    const jobs = batch(commands());
    assert(made < 500, `${made} made for ${jobs.length} datagrams`);
    begin(jobs, 0, {});
    begin(jobs, 1, {});
    assert(made > 500, `${made} made for ${jobs.length} datagrams`);
  });

  it("leaves alone what may still be on its way through a socket that was replaced", () => {
    const jobs = batch();
    const [old, now] = [{}, {}];
    begin(jobs, 0, old);
    begin(jobs, 1, now);
    begin(jobs, 2, now);
    const [first, second, third, fourth] = memory(jobs);
    assert.equal(new Set([first, second, third]).size, 3);
    assert.equal(fourth, second);
  });
});

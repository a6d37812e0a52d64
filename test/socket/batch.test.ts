import assert from "node:assert/strict";
import { Batch } from "../../lib/socket/batch.ts";
import { type Command, Connection, command } from "../../lib/socket/index.ts";
import type { Job, Whole } from "../../lib/socket/outbox.ts";
import type { Transport } from "../../lib/socket/transport.ts";
import { NLM_F_ACK, Reader } from "../../lib/wire/index.ts";
import { ack, datagram } from "./bytes.ts";
import { newlink } from "./kinds.ts";
import { kernel } from "./made-up.ts";

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
  it("writes with three pieces of memory in turn, as two datagrams may be on their way", () => {
    const jobs = batch();
    const socket = {};
    for (const at of [0, 1, 2, 3]) begin(jobs, at, socket);
    const [first, second, third, fourth, fifth] = memory(jobs);
    assert.equal(new Set([first, second, third]).size, 3);
    assert.deepEqual([fourth === first, fifth === second], [true, true]);
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
    for (const at of [2, 3, 4]) begin(jobs, at, now);
    const [first, second, third, fourth, fifth, sixth] = memory(jobs);
    assert.equal(new Set([first, second, third, fourth, fifth]).size, 5);
    assert.equal(sixth, third);
  });

  it("is carried out in order where two datagrams may be on their way, and refusals are told of the right ones", async () => {
    const made: string[] = [];
    let most = 0;
    const refuse = (n: number): boolean => n % 250 === 7;
    const { transport } = kernel((sent) => {
      const name = newlink.body.read(new Reader(sent.bytes), 16, sent.bytes.length).attrs.ifname ?? "";
      const refused = refuse(made.push(name) - 1);
      return refused || (sent.flags & NLM_F_ACK) !== 0 ? [datagram(ack(sent.sequence, refused ? -17 : 0))] : [];
    });
    const waiting: (() => void)[] = [];
    const next = (): void => {
      waiting[0]?.();
    };
    // Its memory is looked at when its turn comes, as the kernel would.
    const deep: Transport = {
      port: 1,
      depth: 2,
      exchange(message, inbox, done) {
        const run = (): void => {
          transport.send(message as Uint8Array);
          setImmediate(() => {
            const received = transport.receive(inbox);
            waiting.shift();
            next();
            done(received);
          });
        };
        most = Math.max(most, waiting.push(run));
        if (waiting.length === 1) setImmediate(next);
        return 0;
      },
      send: (message) => transport.send(message),
      receive: (inbox) => transport.receive(inbox),
      watch: () => 0,
      join: () => 0,
      leave: () => 0,
      resize: () => 0,
      hold: () => undefined,
      close: () => transport.close(),
    };
    await using connection = Connection.over(deep);
    const results = await connection.batch(COMMANDS);
    assert.deepEqual(
      made,
      COMMANDS.map((_, n) => `b${n}`),
    );
    assert.equal(most, 2);
    assert.deepEqual(
      results.map((error) => error?.index),
      COMMANDS.map((_, n) => (refuse(n) ? n : undefined)),
    );
  });
});

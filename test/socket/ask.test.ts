import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection, command, type NetlinkError } from "../../lib/socket/index.ts";
import { ScriptedTransport } from "../../lib/socket/recorded.ts";
import type { Datagram, Inbox } from "../../lib/socket/transport.ts";
import { ack, datagram, type Sent, split } from "./bytes.ts";
import { dellink, getlink, newlink } from "./kinds.ts";
import { ALL, codeOf, get, indexes, link, remove, respond } from "./made-up.ts";

type Way = "now" | "late" | "nothing yet";

/** A socket that answers what is asked at once, or later, as `way` says. */
class Prompt extends ScriptedTransport {
  readonly datagrams: Sent[][] = [];
  readonly slots: number[] = [];
  readonly #way: (n: number) => Way;
  asked = 0;
  constructor(way: (n: number) => Way, answer: (sent: Sent) => readonly (Datagram | number)[] = respond) {
    super((message) => {
      const messages = split(message);
      this.datagrams.push(messages);
      return messages.flatMap(answer);
    });
    this.#way = way;
  }
  ask(message: Uint8Array, inbox: Inbox, _inline: boolean, done: (received: number) => void): number {
    this.slots.push(inbox.slot);
    const way = this.#way(this.asked++);
    if (way === "late") return this.exchange(message, inbox, done);
    const status = this.send(message);
    return status < 0 || way === "now" ? (status < 0 ? status : this.receive(inbox)) : -11;
  }
}
const changeAndGet = (connection: Connection, changed: number, asked: number): Promise<number> =>
  connection
    .changeAndGet(command(dellink, { header: { index: changed } }), getlink, { header: { index: asked } }, newlink)
    .then(({ header }) => header.index);
const refusalOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "fine",
    ({ request, code }: NetlinkError) => `${request} ${code}`,
  );
const always = (way: Way) => (): Way => way;

describe("socket: what is asked at once", () => {
  for (const inline of [false, true])
    describe(inline ? "on the calling thread" : "on a thread of its own", () => {
      for (const way of ["now", "late", "nothing yet"] as const)
        it(`is answered ${way}`, async () => {
          const transport = new Prompt(always(way));
          await using connection = Connection.over(transport, { inline });
          for (let n = 1; n < 100; n++) {
            assert.equal(await get(connection, n), n);
            assert.equal(await remove(connection, n), undefined);
            assert.equal(await codeOf(remove(connection, 404)), "ENODEV");
            assert.equal(await codeOf(get(connection, 404)), "ENODEV");
          }
          assert(transport.asked > 100, `${transport.asked} asked`);
          assert.deepEqual(await indexes(connection), ALL);
          assert.deepEqual(connection.dropped, { forged: 0, stray: 0, broken: 0 });
        });

      for (const way of ["now", "late", "nothing yet"] as const)
        it(`makes a change and tells what came of it, ${way}`, async () => {
          const transport = new Prompt(always(way));
          await using connection = Connection.over(transport, { inline });
          assert.deepEqual(await Promise.all([1, 2, 3].map((n) => changeAndGet(connection, n, n))), [1, 2, 3]);
          assert.deepEqual(
            transport.datagrams.map((messages) => messages.map(({ type, sequence }) => [type, sequence])),
            [
              [
                [17, 1],
                [18, 2],
              ],
              [
                [17, 3],
                [18, 4],
                [17, 5],
                [18, 6],
              ],
            ],
          );
          assert.equal(await refusalOf(changeAndGet(connection, 404, 1)), "RTM_DELLINK ENODEV");
          assert.equal(await refusalOf(changeAndGet(connection, 1, 404)), "RTM_GETLINK ENODEV");
          assert.equal(await refusalOf(changeAndGet(connection, 404, 404)), "RTM_DELLINK ENODEV");
          const several = [get(connection, 7), changeAndGet(connection, 1, 8), changeAndGet(connection, 1, 9)];
          assert.deepEqual(await Promise.all(several), [7, 8, 9]);
          assert.deepEqual(connection.dropped, { forged: 0, stray: 0, broken: 0 });
        });

      it("gets each caller his own answer, whatever the way", async () => {
        const ways: readonly Way[] = ["now", "late", "nothing yet", "now", "now"];
        const transport = new Prompt((n) => ways[n % ways.length] as Way);
        await using connection = Connection.over(transport, { inline });
        const caller = async (who: number): Promise<void> => {
          for (let n = 1; n <= 60; n++) {
            const number = who * 1000 + n;
            if (n % 7 === 0) assert.deepEqual(await indexes(connection), ALL);
            else if (n % 10 === 9) assert.equal(await codeOf(remove(connection, 404)), "ENODEV");
            else assert.equal(await get(connection, number), number);
            if (n % 13 === 0) await sleep(1);
          }
        };
        for (const callers of [1, 2, 7]) await Promise.all(Array.from({ length: callers }, (_, who) => caller(who)));
        assert.deepEqual(connection.dropped, { forged: 0, stray: 0, broken: 0 });
        assert(transport.asked > 40, `${transport.asked} asked`);
      });

      it("leaves what else is asked in the same turn for one further datagram", async () => {
        const transport = new Prompt(always("now"));
        await using connection = Connection.over(transport, { inline });
        assert.deepEqual(await Promise.all([1, 2, 3, 4].map((n) => get(connection, n))), [1, 2, 3, 4]);
        assert.deepEqual(
          transport.datagrams.map(({ length }) => length),
          [1, 3],
        );
      });

      it("is not taken for the answer to another, nor from another sender", async () => {
        const transport = new Prompt(always("now"), (sent) => [
          { ...datagram(link(sent.sequence, 66)), port: 4711 },
          datagram(link(sent.sequence - 1, 77)),
          ...respond(sent),
        ]);
        await using connection = Connection.over(transport, { inline });
        for (let n = 1; n < 20; n++) assert.equal(await get(connection, n), n);
        assert.deepEqual(connection.dropped, { forged: 19, stray: 19, broken: 0 });
      });

      it("lets the event loop have its turn", async () => {
        await using connection = Connection.over(new Prompt(always("now")), { inline });
        let turns = 0;
        const timer = setInterval(() => turns++, 1);
        for (const end = performance.now() + 100; performance.now() < end; ) await get(connection, 1);
        clearInterval(timer);
        assert(turns > 5, `${turns} turns in 100 ms`);
      });

      it("says so when the socket fails, and when the connection is closed meanwhile", async () => {
        const broken = new Prompt(always("now"));
        const connection = Connection.over(broken, { inline });
        broken.send = () => -90;
        assert.equal(await codeOf(get(connection, 1)), "ERR_SEND");
        connection.close();
        assert.equal(await codeOf(get(connection, 1)), "ERR_CLOSED");
        const late = Connection.over(new Prompt(always("late")), { inline });
        const attempt = codeOf(get(late, 1));
        late.close();
        assert.equal(await attempt, "ERR_CLOSED");
      });

      it("may be given up", async () => {
        const transport = new Prompt(always("late"), (sent) => (sent.type === 17 ? [] : respond(sent)));
        await using connection = Connection.over(transport, { inline });
        const signal = AbortSignal.timeout(5);
        assert.equal(await codeOf(remove(connection, 1, { signal })), String(DOMException.TIMEOUT_ERR));
        assert.equal(await codeOf(remove(connection, 2, { timeout: 5 })), "ERR_TIMEOUT");
        assert.equal(await get(connection, 3), 3);
        assert.equal(await codeOf(get(connection, 3, { signal: AbortSignal.abort(new Error("no")) })), "Error");
      });

      it("is asked again with more room where the answer does not fit", async () => {
        let first = true;
        const transport = new Prompt(always("now"), (sent) => {
          const long = first ? { length: 100_000, flags: 0x20 } : {};
          first = false;
          return [datagram(link(sent.sequence, 5), long)];
        });
        await using connection = Connection.over(transport, { inline });
        assert.equal(await get(connection, 5), 5);
        assert.equal(await get(connection, 5), 5);
        assert.equal(connection.dropped.broken, 1);
        assert.deepEqual(transport.slots, [32_768, 131_072]);
      });

      it("gives the kernel's warning", async () => {
        const transport = new Prompt(always("now"), ({ sequence }) => [
          datagram(ack(sequence, 0, { msg: "mind the gap" })),
        ]);
        await using connection = Connection.over(transport, { inline });
        assert.equal(await remove(connection, 1), "mind the gap");
      });
    });
});

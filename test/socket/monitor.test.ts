import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { ENOBUFS } from "../../lib/socket/errors.ts";
import { Change, Monitor, type MonitorEvent, type SocketError } from "../../lib/socket/index.ts";
import { ScriptedTransport } from "../../lib/socket/recorded.ts";
import type { Inbox } from "../../lib/socket/transport.ts";
import { datagram, join, packet, words } from "./bytes.ts";
import { dellink, newlink, newroute } from "./kinds.ts";

const event = (index: number, type = 16) => datagram(packet(type, 0, 0, words(0, index, 0, 0)), { group: 1 });
const shown = (seen: MonitorEvent | undefined): string => {
  if (seen === undefined) return "end";
  if (seen.type === "resync") return "resync";
  return `${seen.name} ${(seen.value as { header: { index: number } }).header.index}`;
};

describe("socket: monitor", () => {
  let transport: ScriptedTransport;
  beforeEach(() => {
    transport = new ScriptedTransport(() => []);
  });
  const listen = (more = {}) => Monitor.over(transport, { groups: [1], kinds: [newlink, dellink], ...more });
  async function read(monitor: ReturnType<typeof listen>, count: number): Promise<string[]> {
    const all: string[] = [];
    for (let n = 0; n < count; n++) all.push(shown((await monitor.next()).value));
    return all;
  }

  it("tells changes in order, with their type", async () => {
    await using monitor = listen();
    transport.deliver(
      event(1),
      datagram(join(packet(16, 0, 0, words(0, 2, 0, 0)), packet(17, 0, 0, words(0, 1, 0, 0)))),
    );
    assert.deepEqual(await read(monitor, 3), ["RTM_NEWLINK 1", "RTM_NEWLINK 2", "RTM_DELLINK 1"]);
    transport.deliver(event(3));
    const { value } = await monitor.next();
    assert(value instanceof Change);
    assert.deepEqual([value.group, value.nsid], [1, undefined]);
    assert(!value.is(dellink));
    assert(value.is(newlink));
    assert.equal(value.value.header.index, 3);
  });

  it("passes over other kinds, and drops what is not from the kernel", async () => {
    await using monitor = listen();
    transport.deliver(event(1, 24), { ...event(2), port: 4711 }, event(3));
    assert.deepEqual(await read(monitor, 1), ["RTM_NEWLINK 3"]);
    assert.equal(monitor.forged, 1);
  });

  it("waits for a reader that comes later, and lets a reader wait", async () => {
    await using monitor = listen();
    const waiting = monitor.next();
    transport.deliver(event(1));
    assert.equal(shown((await waiting).value), "RTM_NEWLINK 1");
    transport.deliver(event(2), event(3));
    await sleep(10);
    assert.deepEqual(monitor.take().map(shown), ["RTM_NEWLINK 2", "RTM_NEWLINK 3"]);
    assert.deepEqual(monitor.take(), []);
  });

  it("reads events that come closely together many at a time, in order, through a queue that runs full", async () => {
    let reads = 0;
    class Counting extends ScriptedTransport {
      override receive(inbox: Inbox): number {
        reads++;
        return super.receive(inbox);
      }
    }
    transport = new Counting(() => []);
    await using monitor = listen({ held: true });
    const total = 30_000;
    const seen: string[] = [];
    const reader = (async (): Promise<void> => {
      while (seen.length < total) {
        seen.push(shown((await monitor.next()).value));
        if (seen.length === 100) await sleep(30);
      }
    })();
    let turns = 0;
    for (let n = 0; n < total; turns++) {
      for (let i = 0; i < 20; i++) transport.deliver(event(++n));
      await new Promise(setImmediate);
    }
    await reader;
    assert.deepEqual(
      seen,
      Array.from({ length: total }, (_, n) => `RTM_NEWLINK ${n + 1}`),
    );
    assert(reads < turns, `${reads} reads in ${turns} turns`);
    await sleep(20);
    const last = monitor.next();
    transport.deliver(event(total + 1));
    assert.equal(shown((await last).value), `RTM_NEWLINK ${total + 1}`);
  });

  it("after a loss drops what is older, says so once, and goes on", async () => {
    await using monitor = listen();
    transport.deliver(event(1), event(2), ENOBUFS, event(3), event(4));
    assert.deepEqual(await read(monitor, 1), ["resync"]);
    transport.deliver(event(5));
    assert.deepEqual(await read(monitor, 1), ["RTM_NEWLINK 5"]);
  });

  it("says that a change was lost when it did not fit or makes no sense", async () => {
    await using monitor = listen();
    transport.deliver({ ...event(1), length: 40_000 }, event(2), datagram(new Uint8Array(20).fill(1)), event(3));
    transport.deliver(datagram(packet(16, 0, 0, words(1))), event(4));
    assert.deepEqual(await read(monitor, 6), [
      "resync",
      "RTM_NEWLINK 2",
      "resync",
      "RTM_NEWLINK 3",
      "resync",
      "RTM_NEWLINK 4",
    ]);
  });

  it("leaves events to the socket when nobody reads them", async () => {
    let left = 50_000;
    class Storm extends ScriptedTransport {
      override receive(...from: Parameters<ScriptedTransport["receive"]>): number {
        for (let n = 0; n < 32 && left > 0; n++) this.deliver(event(left--));
        return super.receive(...from);
      }
    }
    transport = new Storm(() => []);
    await using monitor = listen();
    transport.deliver(event(50_001));
    await sleep(100);
    assert(left > 40_000, `${left} left`);
    for (let n = 50_001; n > 0; n--) assert.equal(shown((await monitor.next()).value), `RTM_NEWLINK ${n}`);
  });

  it("ends when it is closed, after what had come", async () => {
    const monitor = listen();
    transport.deliver(event(1));
    await sleep(5);
    monitor.close();
    monitor.close();
    assert.deepEqual(await read(monitor, 1), ["RTM_NEWLINK 1"]);
    assert.deepEqual(await monitor.next(), { done: true, value: undefined });
  });

  it("ends a waiting reader when it is closed, and a loop that is left closes it", async () => {
    const monitor = listen();
    const waiting = monitor.next();
    monitor.close();
    assert.equal((await waiting).done, true);
    transport = new ScriptedTransport(() => []);
    const other = listen();
    transport.deliver(event(1));
    for await (const seen of other) {
      assert.equal(shown(seen), "RTM_NEWLINK 1");
      break;
    }
    assert.equal((await other.next()).done, true);
  });

  it("rejects a waiting reader with the signal's reason", async () => {
    const control = new AbortController();
    const waiting = listen({ signal: control.signal }).next();
    control.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    transport = new ScriptedTransport(() => []);
    await assert.rejects(listen({ signal: AbortSignal.abort() }).next(), { name: "AbortError" });
  });

  it("has one reader", async () => {
    await using monitor = listen();
    const first = monitor.next();
    await assert.rejects(monitor.next(), { code: "ERR_PROTOCOL" });
    transport.deliver(event(1));
    assert.equal((await first).done, false);
  });

  it("says which group it may not join", () => {
    transport.join = () => -1;
    assert.throws(
      () => Monitor.over(transport, { groups: [7], kinds: [newroute] }),
      (error: SocketError) => error.code === "ERR_OPEN" && /group 7/.test(error.message) && error.errno === -1,
    );
  });
});

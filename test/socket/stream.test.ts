import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../../lib/socket/index.ts";
import { ScriptedTransport } from "../../lib/socket/recorded.ts";
import { NLM_F_DUMP, NLM_F_DUMP_INTR } from "../../lib/wire/index.ts";
import { datagram, done, join, split } from "./bytes.ts";
import { getlink, newlink } from "./kinds.ts";

import { ALL, codeOf, get, indexes, kernel, link, respond } from "./made-up.ts";

describe("socket: streams", () => {
  /** A table of `count` links, of which parts of 100 come each time somebody receives. */
  function table(count: number): { readonly transport: ScriptedTransport; left: () => number } {
    let at = 0;
    let sequence = 0;
    class Slow extends ScriptedTransport {
      override receive(...from: Parameters<ScriptedTransport["receive"]>): number {
        if (sequence !== 0 && at < count) {
          const part = Array.from({ length: 100 }, () => link(sequence, ++at, 2));
          this.deliver(datagram(join(...part)));
          if (at >= count) this.deliver(datagram(done(sequence)));
        }
        return super.receive(...from);
      }
    }
    const transport = new Slow((message) =>
      split(message).flatMap((sent) => {
        if ((sent.flags & NLM_F_DUMP) !== NLM_F_DUMP) return respond(sent);
        if (sequence !== 0) return respond(sent);
        sequence = sent.sequence;
        return [];
      }),
    );
    return { transport, left: () => count - at };
  }

  it("give everything, in parts of some hundred", async () => {
    await using connection = Connection.over(table(10_000).transport);
    let next = 1;
    for await (const part of connection.stream(getlink, { header: {} }, newlink))
      for (const { header } of part) assert.equal(header.index, next++);
    assert.equal(next, 10_001);
  });

  it("let the kernel wait for a slow reader", async () => {
    const { transport, left } = table(100_000);
    await using connection = Connection.over(transport);
    const stream = connection.stream(getlink, { header: {} }, newlink);
    await stream.next();
    await sleep(50);
    assert(left() > 80_000, `${left()} of 100000 left`);
    assert.equal(await get(connection, 5), 5);
    let count = 0;
    for await (const part of stream) count += part.length;
    assert(count > 99_000);
  });

  it("do not hold up another dump that a reader asks for in between", async () => {
    await using connection = Connection.over(table(50_000).transport);
    let count = 0;
    for await (const part of connection.stream(getlink, { header: {} }, newlink)) {
      if (count === 0) assert.deepEqual(await indexes(connection, { timeout: 2000 }), ALL);
      count += part.length;
    }
    assert.equal(count, 50_000);
  });

  it("can be left early", async () => {
    await using connection = Connection.over(table(20_000).transport);
    for await (const part of connection.stream(getlink, { header: {} }, newlink)) {
      assert(part.length > 0);
      break;
    }
    assert.deepEqual(await indexes(connection), ALL);
  });

  it("say so when the table changed", async () => {
    const { transport } = kernel((sent) => [
      datagram(link(sent.sequence, 1, 2 | NLM_F_DUMP_INTR)),
      datagram(done(sent.sequence)),
    ]);
    await using connection = Connection.over(transport);
    let count = 0;
    const read = async (): Promise<void> => {
      for await (const part of connection.stream(getlink, { header: {} }, newlink)) count += part.length;
    };
    assert.equal(await codeOf(read()), "ERR_INTERRUPTED");
    assert.equal(count, 1);
  });
});

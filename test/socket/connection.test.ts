import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { ENOBUFS } from "../../lib/socket/errors.ts";
import { FaultyTransport } from "../../lib/socket/faulty.ts";
import { Connection, command, NetlinkError, type SocketError } from "../../lib/socket/index.ts";
import { ScriptedTransport } from "../../lib/socket/recorded.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, WireError } from "../../lib/wire/index.ts";
import { ack, datagram, done, join, packet, type Sent, split, words } from "./bytes.ts";
import { begin, dellink, end, getlink, NFTABLES, newlink, newtable } from "./kinds.ts";

import { ALL, codeOf, faulty, get, indexes, kernel, link, remove, respond } from "./made-up.ts";

describe("socket: connection", () => {
  for (const inline of [false, true])
    describe(inline ? "on the calling thread" : "on a thread of its own", () => {
      it("answers 200 callers with 50 requests each with what they asked for", async () => {
        const { transport, datagrams } = kernel();
        await using connection = Connection.over(transport, { inline });
        const caller = async (who: number): Promise<void> => {
          for (let n = 0; n < 50; n++) {
            const number = who * 1000 + n + 1;
            if (n % 10 === 9) assert.equal(await codeOf(remove(connection, 404)), "ENODEV");
            else if (n % 10 === 4) assert.equal(await remove(connection, number), undefined);
            else assert.equal(await get(connection, number), number);
          }
        };
        await Promise.all(Array.from({ length: 200 }, (_, who) => caller(who)));
        assert(datagrams.length <= 1000, `${datagrams.length} datagrams for 10000 requests`);
        const sequences = datagrams.flat().map(({ sequence }) => sequence);
        assert.equal(new Set(sequences).size, 10_000);
        assert(!sequences.includes(0));
        assert.deepEqual(connection.dropped, { forged: 0, stray: 0, broken: 0 });
      });

      it("holds dumps one after the other, and answers requests meanwhile", async () => {
        let running = 0;
        const { transport } = kernel((sent) => {
          if ((sent.flags & NLM_F_DUMP) !== NLM_F_DUMP) return respond(sent);
          assert.equal(running++, 0, "two dumps at once");
          setTimeout(() => {
            running--;
            transport.deliver(...respond(sent));
          }, 5);
          return [];
        });
        await using connection = Connection.over(transport, { inline });
        const order: string[] = [];
        await Promise.all([
          ...Array.from({ length: 5 }, async () => {
            assert.deepEqual(await indexes(connection), ALL);
            order.push("dump");
          }),
          get(connection, 9).then(() => order.push("get")),
        ]);
        assert.equal(order[0], "get");
      });

      it("sends a batch in datagrams of 12 to 16 KiB, with one acknowledgement each", async () => {
        const { transport, datagrams } = kernel();
        await using connection = Connection.over(transport, { inline });
        const commands = Array.from({ length: 3000 }, (_, n) =>
          command(newlink, {
            header: { index: n === 1234 || n === 2999 ? 404 : n + 1000 },
            attrs: { ifname: `name-${n}` },
          }),
        );
        const ends = await connection.batch(commands);
        assert.equal(ends.length, 3000);
        assert.deepEqual(
          ends.flatMap((error) => (error === undefined ? [] : [error.index])),
          [1234, 2999],
        );
        assert(datagrams.every((messages) => messages.length <= 192));
        for (const messages of datagrams) {
          const acknowledged = messages.map(({ flags }) => (flags & NLM_F_ACK) !== 0);
          assert(acknowledged.every((yes, at) => yes === (at === messages.length - 1)));
        }
        assert.deepEqual(await connection.batch([]), []);
      });
    });

  it("sends what was asked in one go in one datagram", async () => {
    const { transport, datagrams } = kernel();
    await using connection = Connection.over(transport);
    await Promise.all([1, 2, 3].map((number) => get(connection, number)));
    assert.equal(datagrams.length, 1);
  });

  it("rejects a value that does not fit, and only that", async () => {
    await using connection = Connection.over(kernel().transport);
    const ends = [get(connection, 1), get(connection, 2 ** 40), remove(connection, 2)];
    await assert.rejects(ends[1] as Promise<unknown>, WireError);
    assert.equal(await ends[0], 1);
    assert.equal(await ends[2], undefined);
    const batch = [command(dellink, { header: { index: 1 } }), command(dellink, { header: { index: 2 ** 40 } })];
    await assert.rejects(connection.batch(batch), WireError);
    await assert.rejects(connection.transaction(command(begin, NFTABLES), batch, command(end, NFTABLES)), WireError);
    assert.equal(await get(connection, 3), 3);
  });

  describe("transactions", () => {
    const table = (name: string) => command(newtable, { header: { family: 2 }, attrs: { name } });
    const frame = [command(begin, NFTABLES), command(end, NFTABLES)] as const;

    it("go in one datagram of any size, with an acknowledgement of the last command", async () => {
      const { transport, datagrams } = kernel((sent) =>
        (sent.flags & NLM_F_ACK) === 0 ? [] : [datagram(ack(sent.sequence))],
      );
      await using connection = Connection.over(transport);
      await connection.transaction(
        frame[0],
        Array.from({ length: 20_000 }, (_, n) => table(`t${n}`)),
        frame[1],
      );
      assert.equal(datagrams.length, 1);
      const [messages = []] = datagrams;
      assert.equal(messages.length, 20_002);
      assert.deepEqual(
        messages.flatMap(({ flags }, at) => ((flags & NLM_F_ACK) === 0 ? [] : [at])),
        [20_000],
      );
      assert.deepEqual([messages[0]?.type, messages.at(-1)?.type], [0x10, 0x11]);
    });

    it("fail with an error that came beside the acknowledgement of the last", async () => {
      await using connection = Connection.over(
        kernel((sent) => {
          if (sent.type === 0x10) return [datagram(ack(sent.sequence, -85))];
          return (sent.flags & NLM_F_ACK) === 0 ? [] : [datagram(ack(sent.sequence))];
        }).transport,
      );
      const error = await connection.transaction(frame[0], [table("a")], frame[1]).then(
        () => assert.fail(),
        (e: unknown) => e,
      );
      assert(error instanceof NetlinkError);
      assert.equal(error.code, "ERESTART");
      assert(error.again);
      assert.equal(error.index, undefined);
      assert.equal(error.request, "NFNL_MSG_BATCH_BEGIN");
    });

    it("do not hang on one error for all", async () => {
      await using connection = Connection.over(
        kernel((sent) => (sent.type === 0x10 ? [datagram(ack(sent.sequence, -1))] : [])).transport,
      );
      const many = Array.from({ length: 1000 }, (_, n) => table(`t${n}`));
      assert.equal(await codeOf(connection.transaction(frame[0], many, frame[1])), "EPERM");
    });

    it("were refused when one refusal came through and other answers were lost", async () => {
      let first = true;
      const transport = new ScriptedTransport((message) => {
        if (!first) return [];
        first = false;
        return [datagram(ack(split(message)[2]?.sequence ?? 0, -17)), -105];
      });
      await using connection = Connection.over(transport);
      const error = await connection.transaction(frame[0], [table("a"), table("b")], frame[1]).catch((e: unknown) => e);
      assert(error instanceof NetlinkError && error.exists);
      assert.equal(error.index, 1);
    });

    it("with nothing in them send nothing", async () => {
      const { transport, datagrams } = kernel();
      await using connection = Connection.over(transport);
      await connection.transaction(frame[0], [], frame[1]);
      assert.equal(datagrams.length, 0);
    });

    it("say that they were not sent when they are too large", async () => {
      await using connection = faulty([{ kind: "send", errno: -90, at: 0 }]);
      assert.equal(await codeOf(connection.transaction(frame[0], [table("a")], frame[1])), "ERR_SEND");
      assert.equal(await get(connection, 1), 1);
    });
  });

  describe("what goes wrong", () => {
    it("forged answers are dropped, and the kernel's is waited for", async () => {
      const { transport } = kernel((sent) => [
        datagram(ack(sent.sequence, -1), { port: 4711 }),
        datagram(done(sent.sequence, -1), { port: 4711 }),
        ...respond(sent),
      ]);
      await using connection = Connection.over(transport);
      assert.equal(await remove(connection, 1), undefined);
      assert.deepEqual(await indexes(connection), ALL);
      assert.equal(connection.dropped.forged, 4);
    });

    it("an answer that was cut is asked for again, with more room", async () => {
      const { transport, datagrams } = kernel((sent) => [
        datagram(packet(16, sent.sequence, 0, join(words(0, 7, 0, 0, (200 << 16) | 5004), new Uint8Array(5000)))),
      ]);
      await using connection = Connection.over(transport, { slot: 1024 });
      assert.equal(await get(connection, 7), 7);
      assert.equal(datagrams.length, 2);
    });

    it("a change whose acknowledgement was cut is not made again", async () => {
      await using connection = faulty([{ kind: "truncate", length: 20, at: 0 }]);
      assert.equal(await codeOf(remove(connection, 1)), "ERR_TRUNCATED");
      assert.equal(await remove(connection, 2), undefined);
    });

    it("a dump that is interrupted is read again, and is consistent then", async () => {
      let dumps = 0;
      const { transport } = kernel((sent) => {
        if (++dumps > 3) return respond(sent);
        return [datagram(link(sent.sequence, 1, 2 | NLM_F_DUMP_INTR)), datagram(done(sent.sequence))];
      });
      await using connection = Connection.over(transport);
      const { consistent, messages } = await connection.dump(getlink, { header: {} }, newlink);
      assert(consistent);
      assert.equal(messages.length, 6);
      assert.equal(dumps, 4);
    });

    it("a dump that is interrupted again and again says so in the end", async () => {
      let dumps = 0;
      const { transport } = kernel((sent) => {
        dumps++;
        return [datagram(link(sent.sequence, 1, 2)), datagram(done(sent.sequence, 0, {}, NLM_F_DUMP_INTR))];
      });
      await using connection = Connection.over(transport);
      const { consistent, messages } = await connection.dump(getlink, { header: {} }, newlink);
      assert.equal(consistent, false);
      assert.equal(messages.length, 1);
      assert.equal(dumps, 11);
    });

    it("a dump that finds the socket occupied is tried again", async () => {
      let dumps = 0;
      const { transport } = kernel((sent) => (++dumps < 3 ? [datagram(ack(sent.sequence, -16))] : respond(sent)));
      await using connection = Connection.over(transport);
      assert.deepEqual(await indexes(connection), ALL);
    });

    it("after lost answers reads are made again, and changes have an unknown end", async () => {
      let round = 0;
      const transport = new ScriptedTransport((message) =>
        round++ === 0 ? [-105] : split(message).flatMap((sent) => respond(sent)),
      );
      await using connection = Connection.over(transport);
      const ends = await Promise.allSettled([get(connection, 5), remove(connection, 1), indexes(connection)]);
      assert.deepEqual(ends[0], { status: "fulfilled", value: 5 });
      assert.equal(ends[1]?.status === "rejected" && (ends[1].reason as SocketError).code, "ERR_OVERRUN");
      assert.deepEqual(ends[2], { status: "fulfilled", value: ALL });
    });

    it("an overrun spares what was answered all the same", async () => {
      await using connection = faulty([{ kind: "receive", errno: ENOBUFS, at: 0 }]);
      assert.equal(await remove(connection, 1), undefined);
    });

    it("a request that cannot be sent says so, and the next one is sent", async () => {
      await using connection = faulty([{ kind: "send", errno: -1, at: 0 }]);
      const error = await remove(connection, 1).then(
        () => assert.fail(),
        (error: SocketError) => error,
      );
      assert.equal(error.code, "ERR_SEND");
      assert.equal(error.errno, -1);
      assert.equal(await remove(connection, 2), undefined);
    });

    it("a broken socket fails what waits on it", async () => {
      const { transport } = kernel(() => []);
      await using connection = Connection.over(new FaultyTransport(transport, []));
      const waiting = codeOf(remove(connection, 1));
      await sleep(5);
      transport.deliver(-9);
      await sleep(5);
      transport.close();
      assert.match(await waiting, /^ERR_(RECEIVE|OVERRUN)$/);
    });

    it("doubled, late and stray answers are dropped", async () => {
      await using connection = faulty([{ kind: "duplicate" }]);
      for (let n = 1; n < 20; n++) assert.equal(await get(connection, n), n);
      assert(connection.dropped.stray > 0);
    });

    it("a delayed answer arrives", async () => {
      await using connection = faulty([{ kind: "delay", ms: 30, at: 0 }]);
      const before = performance.now();
      assert.equal(await get(connection, 1), 1);
      assert(performance.now() - before >= 25);
    });

    it("a dump without end ends with an error", async () => {
      const { transport } = kernel((sent) => {
        if (sent.type !== 18) return respond(sent);
        return Array.from({ length: 6000 }, () => datagram(link(sent.sequence, 1, 2)));
      });
      await using connection = Connection.over(transport);
      assert.equal(await codeOf(indexes(connection)), "ERR_ENDLESS");
      assert.equal(await codeOf(remove(connection, 1)), "fine");
    }).timeout(5000);
  });

  describe("giving up", () => {
    it("no answer in time is an error, and the late answer is nobody's", async () => {
      await using connection = faulty([{ kind: "delay", ms: 60, at: 0 }]);
      const before = performance.now();
      const error = await get(connection, 1, { timeout: 20 }).then(
        () => assert.fail(),
        (error: SocketError) => error,
      );
      assert.equal(error.code, "ERR_TIMEOUT");
      assert.match(error.message, /^RTM_GETLINK: no answer in 20 ms/);
      assert(performance.now() - before < 55);
      assert.equal(await get(connection, 2), 2);
      assert.equal(connection.dropped.stray, 1);
    });

    it("a signal ends a request with its reason", async () => {
      await using connection = faulty([{ kind: "delay", ms: 40, at: 0 }]);
      const control = new AbortController();
      const reason = new Error("enough");
      setTimeout(() => control.abort(reason), 10);
      await assert.rejects(get(connection, 1, { signal: control.signal }), reason);
      assert.equal(await get(connection, 2), 2);
    });

    it("a signal that was given before sends nothing", async () => {
      const { transport, datagrams } = kernel();
      await using connection = Connection.over(transport);
      const signal = AbortSignal.abort();
      await assert.rejects(get(connection, 1, { signal }), { name: "AbortError" });
      await assert.rejects(connection.batch([command(dellink, { header: {} })], { signal }), { name: "AbortError" });
      assert.equal(datagrams.length, 0);
    });

    it("what was given up before it was sent is not sent", async () => {
      const { transport, datagrams } = kernel();
      await using connection = Connection.over(transport);
      const control = new AbortController();
      const first = get(connection, 1);
      const second = remove(connection, 2, { signal: control.signal });
      control.abort();
      await assert.rejects(second, { name: "AbortError" });
      assert.equal(await first, 1);
      assert(datagrams.flat().every(({ type }) => type === 18));
    });

    it("a dump that was given up is read to its end before the next", async () => {
      const held: Sent[] = [];
      const { transport } = kernel((sent) => {
        held.push(sent);
        return held.length === 1 ? [datagram(link(sent.sequence, 1, 2))] : respond(sent);
      });
      await using connection = Connection.over(transport);
      const control = new AbortController();
      setTimeout(() => control.abort(), 10);
      await assert.rejects(indexes(connection, { signal: control.signal }), { name: "AbortError" });
      const next = indexes(connection);
      await sleep(10);
      assert.equal(held.length, 1);
      transport.deliver(datagram(done(held[0]?.sequence ?? 0)));
      assert.deepEqual(await next, ALL);
    });

    it("a dump may take longer than its time, if it is never silent for so long", async () => {
      const { transport } = kernel((sent) => {
        for (let n = 1; n <= 6; n++) setTimeout(() => transport.deliver(datagram(link(sent.sequence, n, 2))), n * 25);
        setTimeout(() => transport.deliver(datagram(done(sent.sequence))), 175);
        return [];
      });
      await using connection = Connection.over(transport);
      assert.deepEqual(await indexes(connection, { timeout: 80 }), ALL);
    });

    it("closing rejects all that is under way, and may be done twice", async () => {
      const { transport } = kernel(() => []);
      const connection = Connection.over(transport);
      const sent = [remove(connection, 1), get(connection, 2), indexes(connection)];
      await sleep(5);
      const all = [...sent, remove(connection, 3), connection.batch([command(dellink, { header: {} })])];
      connection.close();
      connection.close();
      assert.deepEqual(
        await Promise.all(all.map(codeOf)),
        all.map(() => "ERR_CLOSED"),
      );
      assert.equal(await codeOf(remove(connection, 1)), "ERR_CLOSED");
      assert.equal(await codeOf(indexes(connection)), "ERR_CLOSED");
    });

    it("leaves no listener on a signal", async () => {
      await using connection = Connection.over(kernel().transport);
      const { signal } = new AbortController();
      let listeners = 0;
      const add = signal.addEventListener.bind(signal);
      const take = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners++;
        add(...args);
      };
      signal.removeEventListener = (...args: Parameters<typeof take>) => {
        listeners--;
        take(...args);
      };
      await get(connection, 1, { signal });
      await codeOf(remove(connection, 404, { signal }));
      assert.equal(listeners, 0);
    });
  });
});

/** What every transport has to do. Calls for it: see transport.test.ts here and in integration/socket. */
import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { EAGAIN, EALREADY, EBADF, EBUSY } from "../../lib/socket/errors.ts";
import { Inbox, META_FLAGS, META_LENGTH, META_PORT, MSG_TRUNC, type Transport } from "../../lib/socket/transport.ts";
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  Writer,
  writeMessage,
} from "../../lib/wire/index.ts";
import { dellink, getlink } from "./kinds.ts";

function write(kind: typeof getlink, index: number, flags: number, sequence: number): Uint8Array {
  const out = new Writer();
  writeMessage(out, kind, { header: { index } }, NLM_F_REQUEST | flags, sequence);
  return out.finish();
}
/** Asks for the loopback device. */
const getOne = (sequence: number): Uint8Array => write(getlink, 1, 0, sequence);

const exchange = (transport: Transport, message: Uint8Array | null, inbox: Inbox): Promise<number> =>
  new Promise((resolve, reject) => {
    const status = transport.exchange(message, inbox, resolve);
    if (status < 0) reject(new Error(`exchange: ${status}`));
  });

/** Type and sequence number of the first message in slot `index`. */
function head({ reader, slot }: Inbox, index = 0): readonly [type: number, sequence: number] {
  const at = index * slot;
  return [reader.u16[(at >> 1) + 2] as number, reader.u32[(at >> 2) + 2] as number];
}

/** `open` makes a transport to a kernel, or to a recording of the test with this title. */
export function transportSuite(name: string, open: (title: string) => Transport): void {
  describe(`transport: ${name}`, () => {
    let transport: Transport;
    beforeEach(function () {
      transport = open(this.currentTest?.title ?? "");
    });
    afterEach(() => transport.close());

    it("brings back the answer to a request", async () => {
      const inbox = new Inbox(4);
      assert.equal(await exchange(transport, getOne(1), inbox), 1);
      assert.deepEqual(head(inbox), [16, 1]);
      assert.equal(inbox.meta[META_PORT], 0);
      assert.equal((inbox.meta[META_FLAGS] as number) & MSG_TRUNC, 0);
      assert.equal(inbox.meta[META_LENGTH], inbox.reader.u32[0]);
    });

    it("brings back several answers, in order", async () => {
      const inbox = new Inbox(4);
      const three = Buffer.concat([1, 2, 3].map((n) => write(dellink, 4711, NLM_F_ACK, n)));
      assert.equal(await exchange(transport, new Uint8Array(three), inbox), 3);
      assert.deepEqual(
        [head(inbox, 0), head(inbox, 1), head(inbox, 2)],
        [1, 2, 3].map((n) => [NLMSG_ERROR, n]),
      );
    });

    it("says when there is nothing", async () => {
      const inbox = new Inbox(1);
      assert.equal(transport.receive(inbox), EAGAIN);
      assert.equal(await exchange(transport, null, inbox), EAGAIN);
    });

    it("sends and receives on the calling thread", () => {
      const inbox = new Inbox(1);
      const message = getOne(1);
      assert.equal(transport.send(message), message.length);
      assert.equal(transport.receive(inbox), 1);
      assert.deepEqual(head(inbox), [16, 1]);
      assert.equal(transport.receive(inbox), EAGAIN);
    });

    it("holds as many exchanges as it says", async () => {
      const inbox = new Inbox(1);
      const first = exchange(transport, getOne(1), inbox);
      const further = Array.from({ length: (transport.depth ?? 1) - 1 }, () => exchange(transport, null, new Inbox(1)));
      assert.equal(
        transport.exchange(null, new Inbox(1), () => assert.fail("was refused")),
        EBUSY,
      );
      assert.equal(transport.receive(new Inbox(1)), EBUSY);
      assert.equal(await first, 1);
      for (const one of further) assert.equal(await one, EAGAIN);
    });

    it("brings a dump to its end", async () => {
      const inbox = new Inbox(2);
      let received = await exchange(transport, write(getlink, 0, NLM_F_DUMP, 1), inbox);
      const types: number[] = [];
      while (received > 0) {
        for (let i = 0; i < received; i++) types.push(head(inbox, i)[0]);
        received = await exchange(transport, null, inbox);
      }
      assert.equal(received, EAGAIN);
      assert.equal(types.at(-1), NLMSG_DONE);
    });

    it("takes no more datagrams than there is room for", async () => {
      const inbox = new Inbox(1);
      const two = Buffer.concat([1, 2].map((n) => write(dellink, 4711, NLM_F_ACK, n)));
      assert.equal(await exchange(transport, new Uint8Array(two), inbox), 1);
      assert.deepEqual(head(inbox), [NLMSG_ERROR, 1]);
      assert.equal(await exchange(transport, null, inbox), 1);
      assert.deepEqual(head(inbox), [NLMSG_ERROR, 2]);
    });

    it("cuts what does not fit, and says so", async () => {
      const inbox = new Inbox(2, 64);
      inbox.bytes.fill(0xaa);
      assert.equal(await exchange(transport, getOne(1), inbox), 1);
      assert((inbox.meta[META_LENGTH] as number) > 64);
      assert(((inbox.meta[META_FLAGS] as number) & MSG_TRUNC) !== 0);
      assert(inbox.bytes.subarray(64).every((byte) => byte === 0xaa));
    });

    it("tells a watcher as long as there is something", async () => {
      const inbox = new Inbox(1);
      let calls = 0;
      const ready = new Promise<number>((resolve) => {
        const callback = (status: number): void => {
          if (++calls === 2) resolve(status);
        };
        assert.equal(transport.watch(callback), 0);
      });
      assert.equal(
        transport.watch(() => undefined),
        EALREADY,
      );
      assert(transport.send(getOne(1)) > 0);
      assert.equal(await ready, 0);
      assert.equal(transport.receive(inbox), 1);
      const before = calls;
      await sleep(20);
      assert.equal(calls, before);
      assert.equal(transport.watch(null), 0);
      assert(transport.send(getOne(2)) > 0);
      await sleep(20);
      assert.equal(calls, before);
    });

    it("joins and leaves a group, and takes wishes for its buffers", () => {
      assert.equal(transport.join(1), 0);
      assert.equal(transport.leave(1), 0);
      assert(transport.resize("receive", 1 << 16) >= 0);
      assert(transport.resize("send", 1 << 16) >= 0);
    });

    it("is closed once and for all", () => {
      transport.close();
      transport.close();
      const inbox = new Inbox(1);
      assert.equal(
        transport.exchange(null, inbox, () => undefined),
        EBADF,
      );
      assert.equal(transport.send(getOne(1)), EBADF);
      assert.equal(transport.receive(inbox), EBADF);
      assert.equal(
        transport.watch(() => undefined),
        EBADF,
      );
      assert.equal(transport.join(1), EBADF);
    });

    it("can be closed with an exchange under way", async () => {
      transport.exchange(getOne(1), new Inbox(1), () => undefined);
      transport.close();
      await sleep(20);
    });
  });
}

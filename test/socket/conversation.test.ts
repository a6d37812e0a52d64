import assert from "node:assert";
import fc from "fast-check";
import { Acknowledged, Answered, command, Dumped, Run } from "../../lib/socket/answers.ts";
import { Conversation } from "../../lib/socket/conversation.ts";
import { NetlinkError, SocketError } from "../../lib/socket/errors.ts";
import { type Datagram, Inbox } from "../../lib/socket/transport.ts";
import { NLM_F_DUMP_INTR, NLMSG_NOOP, NLMSG_OVERRUN, WireError, Writer, writeMessage } from "../../lib/wire/index.ts";
import { firstTryCounts } from "../needs.ts";
import { ack, datagram, done, join, packet, words } from "./bytes.ts";
import { dellink, getlink, newlink } from "./kinds.ts";

const inbox = new Inbox(2, 4096);
function take(conversation: Conversation, ...datagrams: readonly (Uint8Array | Datagram)[]): void {
  for (const one of datagrams) {
    inbox.put(1, one instanceof Uint8Array ? datagram(one) : one);
    conversation.take(inbox, 1);
  }
}

/** An RTM_NEWLINK with nothing but its header. */
const link = (sequence: number, index: number, flags = 0): Uint8Array =>
  packet(16, sequence, flags, words(0, index, 0, 0));

/** How it ended; `undefined` while it has not. */
interface End {
  value?: unknown;
  error?: unknown;
}

function begin(conversation: Conversation, value = { header: { index: 1 } }): { ack: End; get: End; dump: End } {
  const ends = { ack: {} as End, get: {} as End, dump: {} as End };
  const outcome = (end: End) => ({
    resolve(value: unknown) {
      assert(!("value" in end) && !("error" in end), "settled twice");
      end.value = value;
    },
    reject(error: unknown) {
      assert(!("value" in end) && !("error" in end), "settled twice");
      end.error = error;
    },
  });
  const parts: number[] = [];
  const dumped = outcome(ends.dump);
  const all = [
    new Acknowledged({ message: dellink, value, flags: 0 }, outcome(ends.ack)),
    new Answered({ message: getlink, value, flags: 0 }, newlink, outcome(ends.get)),
    new Dumped({ message: getlink, value, flags: 0 }, newlink, {
      part: ({ header }) => parts.push(header.index),
      streamed: false,
      full: () => false,
      end: (changed) => dumped.resolve({ parts, changed }),
      reject: dumped.reject,
    }),
  ];
  for (const answers of all) {
    answers.first = answers.last = conversation.sequence();
    conversation.expect(answers);
  }
  return ends;
}

describe("socket: conversation", () => {
  let conversation: Conversation;
  let ends: { ack: End; get: End; dump: End };
  beforeEach(() => {
    conversation = new Conversation();
    ends = begin(conversation); // 1 is the change, 2 the request for one link, 3 the dump
  });

  it("gives each request its own answers, in any order and many to a datagram", () => {
    take(conversation, join(link(3, 7, 2), link(2, 5), link(3, 8, 2)), join(done(3), ack(1)));
    assert.deepEqual(ends.ack, { value: undefined });
    assert.equal((ends.get.value as { header: { index: number } }).header.index, 5);
    assert.deepEqual(ends.dump, { value: { parts: [7, 8], changed: false } });
    assert.equal(conversation.pending, 0);
    assert.deepEqual(conversation.dropped, { forged: 0, stray: 0, broken: 0 });
  });

  it("never uses sequence number 0, and no number of a run twice", () => {
    const late = new Conversation(0xffff_fff0);
    const first = late.sequence(10);
    const next = late.sequence(10);
    assert.equal(first, 0xffff_fff0);
    assert.equal(next, 1);
  });

  it("drops what did not come from the kernel, and counts it", () => {
    const forged = { port: 4711 };
    take(conversation, datagram(ack(1, -1), forged), datagram(done(3), forged), datagram(link(2, 9), forged));
    assert.equal(conversation.pending, 3);
    assert.equal(conversation.dropped.forged, 3);
    take(conversation, ack(1));
    assert.deepEqual(ends.ack, { value: undefined });
  });

  it("drops answers to nothing, second answers and late ones, and counts them", () => {
    take(conversation, ack(99), ack(1), ack(1), link(2, 5), link(2, 5), packet(16, 0, 0, words(0, 1, 0, 0)));
    assert.equal(conversation.dropped.stray, 4);
    assert.deepEqual(Object.keys(ends.get), ["value"]);
  });

  it("does not read a datagram that was cut at any length: its request fails", () => {
    const whole = join(link(3, 7, 2), done(3));
    for (let length = 0; length < whole.length; length++) {
      const each = new Conversation();
      const { dump, get } = begin(each);
      take(each, datagram(whole.slice(0, length), { length: whole.length, flags: 0x20 }));
      assert(dump.error instanceof SocketError);
      assert.equal(dump.error.code, "ERR_TRUNCATED");
      assert.equal(dump.error.length, whole.length);
      assert.equal(each.dropped.broken, 1);
      if (length >= 12) assert.deepEqual(get, {}, "the others go on");
    }
  });

  it("fails what is under way when a datagram ends in the middle of a message", () => {
    const whole = join(ack(1), link(3, 7, 2));
    for (let length = 1; length < whole.length; length++) {
      const each = new Conversation();
      const { ack: acked, dump } = begin(each);
      take(each, whole.slice(0, length));
      assert.equal(length >= ack(1).length, "value" in acked);
      if (length !== ack(1).length) assert.equal((dump.error as SocketError).code, "ERR_PROTOCOL");
    }
  });

  it("reads an error with and without the request echoed", () => {
    const value = { header: {}, attrs: { ifname: "x", mtu: 5 } };
    const out = new Writer();
    writeMessage(out, newlink, value, 5, 1);
    const said = { msg: "too small", offs: 40 };
    for (const more of [{}, { echo: out.finish() }]) {
      const each = new Conversation();
      const end: End = {};
      const answers = new Acknowledged(
        { message: newlink, value, flags: 0 },
        {
          resolve: assert.fail,
          reject: (error) => {
            end.error = error;
          },
        },
      );
      answers.first = answers.last = each.sequence();
      each.expect(answers);
      take(each, ack(1, -22, { ...said, ...more }));
      assert(end.error instanceof NetlinkError);
      assert.equal(end.error.message, "RTM_NEWLINK: too small (EINVAL, at mtu)");
    }
  });

  it("names what is missing, at the top and in a nest", () => {
    const value = {
      header: {},
      attrs: { ifname: "x", linkinfo: { info: { kind: "vxlan", data: { id: 5 } } } },
    } as const;
    const fail = (said: object): NetlinkError => {
      const each = new Conversation();
      const end: End = {};
      const answers = new Acknowledged(
        { message: newlink, value, flags: 0 },
        {
          resolve: assert.fail,
          reject: (error) => {
            end.error = error;
          },
        },
      );
      answers.first = answers.last = each.sequence();
      each.expect(answers);
      take(each, ack(1, -22, said));
      assert(end.error instanceof NetlinkError);
      return end.error;
    };
    assert.equal(fail({ missType: 4 }).missing, "mtu");
    assert.equal(fail({ missType: 999 }).missing, "#999");
    // linkinfo stands at byte 40, kind at 44, data at 56.
    assert.equal(fail({ missType: 1, missNest: 56 }).missing, "linkinfo.info(vxlan).id");
    assert.match(fail({ missType: 1, missNest: 56 }).message, /linkinfo\.info\(vxlan\)\.id is missing/);
    for (const missNest of [1, 57, 1000, 0xffff_ffff | 0])
      assert(fail({ missType: 1, missNest }).missing !== undefined);
  });

  it("hands on the kernel's warning of a success", () => {
    take(conversation, ack(1, 0, { msg: "12 bytes leftover after parsing attributes" }));
    assert.deepEqual(ends.ack, { value: "12 bytes leftover after parsing attributes" });
  });

  it("takes the error out of a DONE, with its words", () => {
    take(conversation, done(3, -22, { msg: "no such filter" }));
    assert.equal((ends.dump.error as Error).message, "RTM_GETLINK: no such filter (EINVAL)");
  });

  it("takes an error in the middle of a dump for its end", () => {
    take(conversation, link(3, 1, 2), ack(3, -4));
    assert.equal((ends.dump.error as NetlinkError).code, "EINTR");
    assert((ends.dump.error as NetlinkError).again);
  });

  for (const [what, marked] of [
    ["its first part", [NLM_F_DUMP_INTR, 0, 0]],
    ["a part in the middle", [0, NLM_F_DUMP_INTR, 0]],
    ["its end", [0, 0, NLM_F_DUMP_INTR]],
  ] as const)
    it(`sees that a dump was interrupted when ${what} says so`, () => {
      take(conversation, link(3, 1, 2 | marked[0]), link(3, 2, 2 | marked[1]), done(3, 0, {}, marked[2]));
      assert.deepEqual(ends.dump, { value: { parts: [1, 2], changed: true } });
    });

  it("takes a short acknowledgement for none", () => {
    for (let length = 0; length < 20; length++) {
      const each = new Conversation();
      const { ack: acked } = begin(each);
      take(each, packet(2, 1, 0, new Uint8Array(length)));
      assert.equal((acked.error as SocketError).code, "ERR_PROTOCOL");
    }
  });

  it("passes over NOOP", () => {
    take(conversation, packet(NLMSG_NOOP, 1, 0), ack(1));
    assert.deepEqual(ends.ack, { value: undefined });
  });

  for (const how of ["ENOBUFS", "NLMSG_OVERRUN"])
    it(`knows nothing of unanswered requests after ${how}, once all is read`, () => {
      if (how === "ENOBUFS") conversation.overrun();
      else take(conversation, packet(NLMSG_OVERRUN, 3, 0));
      take(conversation, ack(1));
      assert.deepEqual(ends.ack, { value: undefined });
      assert.deepEqual(ends.get, {});
      conversation.drained();
      assert.equal((ends.get.error as SocketError).code, "ERR_OVERRUN");
      assert.equal((ends.dump.error as SocketError).code, "ERR_OVERRUN");
      conversation.drained();
      assert.equal(conversation.pending, 0);
    });

  it("does not trust a dump that ends after an overrun", () => {
    conversation.overrun();
    take(conversation, link(3, 1, 2), done(3));
    assert.equal((ends.dump.error as SocketError).code, "ERR_OVERRUN");
  });

  it("gives up a dump that repeats itself for ever", () => {
    const part = link(3, 1, 2);
    for (let n = 0; n < 10_000 && ends.dump.error === undefined; n++) take(conversation, part);
    assert.equal((ends.dump.error as SocketError).code, "ERR_ENDLESS");
  });

  it("tells what cannot be decoded, and reads a dump on to its end", () => {
    take(conversation, packet(16, 2, 0, words(1)), packet(16, 3, 2, words(1)));
    assert(ends.get.error instanceof WireError);
    assert(ends.dump.error instanceof WireError);
    assert.equal(conversation.pending, 2);
    take(conversation, link(3, 1, 2), done(3));
    assert.equal(conversation.pending, 1);
  });

  it("ends everything under way at once", () => {
    conversation.fail(new SocketError("ERR_CLOSED", "closed"));
    for (const end of Object.values(ends)) assert.equal((end.error as SocketError).code, "ERR_CLOSED");
    take(conversation, ack(1));
    assert.equal(conversation.dropped.stray, 1);
  });

  describe("runs", () => {
    const commands = [1, 2, 3].map((index) => command(dellink, { header: { index } }));
    const run = (atomic: boolean): { error?: SocketError | undefined; refusals?: readonly NetlinkError[] } => {
      const first = conversation.sequence(3);
      const end: ReturnType<typeof run> = {};
      const written = { commands, first, final: first + 2, index: (at: number) => 10 + at };
      conversation.expect(new Run(written, atomic, (error, refusals) => Object.assign(end, { error, refusals })));
      return end;
    };

    it("ends with the last acknowledgement; errors carry the index of their command", () => {
      const end = run(false);
      take(conversation, ack(5, -17));
      assert.deepEqual(end, {});
      take(conversation, ack(6));
      assert.deepEqual(
        end.refusals?.map(({ code, index }) => [code, index]),
        [["EEXIST", 11]],
      );
    });

    it("takes an error of the last one for its acknowledgement", () => {
      const end = run(false);
      take(conversation, ack(6, -1));
      assert.equal(end.refusals?.[0]?.index, 12);
    });

    it("believes in a transaction only when nothing more is to come", () => {
      const end = run(true);
      take(conversation, ack(6));
      assert.deepEqual(end, {});
      take(conversation, ack(4, -85));
      conversation.drained();
      assert.equal(end.refusals?.[0]?.code, "ERESTART");
    });

    it("takes one error for a whole transaction for its end", () => {
      const end = run(true);
      take(conversation, ack(4, -1));
      conversation.drained();
      assert.equal(end.refusals?.[0]?.code, "EPERM");
    });
  });

  it("takes any bytes, and knows only its own errors", function () {
    firstTryCounts(this);
    const near = fc
      .tuple(
        fc.constantFrom(1, 2, 3, 16, 17),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.uint8Array({ maxLength: 80 }),
      )
      .map(([type, sequence, flags, payload]) => packet(type, sequence, flags, payload));
    const cut = fc.tuple(near, fc.nat(80)).map(([bytes, length]) => bytes.slice(0, length));
    const anything = fc.oneof(
      near,
      cut,
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(near, near, near).map((parts) => join(...parts)),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(anything, fc.constant(null)), { maxLength: 20 }), (datagrams) => {
        const each = new Conversation();
        const all = begin(each);
        for (const one of datagrams) {
          if (one === null) each.drained();
          else take(each, one);
        }
        each.fail(new SocketError("ERR_CLOSED", "over"));
        for (const end of Object.values(all))
          if ("error" in end)
            assert(
              end.error instanceof SocketError || end.error instanceof NetlinkError || end.error instanceof WireError,
            );
          else assert("value" in end, "left hanging");
      }),
      { numRuns: 2000 },
    );
  });
});

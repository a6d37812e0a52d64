import assert from "node:assert/strict";
import type { Answers, Conversation } from "../../lib/socket/conversation.ts";
import { command } from "../../lib/socket/index.ts";
import { Outbox, type Single, type Whole } from "../../lib/socket/outbox.ts";
import { Writer } from "../../lib/wire/index.ts";
import { newlink } from "./kinds.ts";

const ANSWERS = { first: 0, last: 0, fail: () => assert.fail() } as unknown as Answers;
const single = (ifname: string): Single => ({
  ...{ kind: "single", name: newlink.name, dropped: false, sent: false, flags: 0, answers: ANSWERS },
  command: command(newlink, { header: {}, attrs: { ifname } }),
});
const whole = (): Whole => ({
  ...{ kind: "whole", name: newlink.name, dropped: false, sent: false, answers: ANSWERS, exclusive: false },
  packet: new Writer(64),
  gone: () => undefined,
});

describe("socket: what waits to be sent", () => {
  it("leaves a datagram alone that may still be on its way, while the next goes after it", () => {
    let next = 1;
    const sequence = (count: number): number => {
      next += count;
      return next - count;
    };
    const outbox = new Outbox({ sequence, expect: () => undefined } as unknown as Conversation);
    for (const name of ["b0", "b1", "b2"]) outbox.add(single(name));
    const first = outbox.next(true)?.bytes ?? assert.fail();
    const sent = Buffer.from(first);
    assert.equal(sent.includes("b2"), true);
    outbox.add(whole());
    assert.equal(outbox.ready, true);
    assert.equal(outbox.next(false)?.answers.length, 1);
    assert.deepEqual(Buffer.from(first), sent);
    assert.equal(outbox.empty, true);
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { checksum, echoRequest, fillPayload, readAnswer } from "../../lib/probe/echo.ts";
import { firstTryCounts } from "../needs.ts";

const ID = 0x1234;
const payload = fillPayload(Buffer.from("0123456789abcdef"), 56);
const header4 = (): Buffer => Buffer.from("4500005400000000400100000a0000010a000002", "hex");

function reply(version: 4 | 6, sequence: number, id = ID, body = payload): Buffer {
  const packet = echoRequest(version, id, sequence, body);
  packet[0] = version === 4 ? 0 : 129;
  return version === 4 ? Buffer.concat([header4(), packet]) : packet;
}
/** An error about our request 7, of which `quote` bytes came back. */
function refusal(version: 4 | 6, type: number, code: number, mtu: number, quote = 200, id = ID): Buffer {
  const head = Buffer.alloc(8);
  head[0] = type;
  head[1] = code;
  if (version === 4) head.writeUInt16BE(mtu, 6);
  else head.writeUInt32BE(mtu, 4);
  const inner = version === 4 ? header4() : Buffer.alloc(40);
  const quoted = Buffer.concat([inner, echoRequest(version, id, 7, payload)]).subarray(0, quote);
  return Buffer.concat([version === 4 ? header4() : Buffer.alloc(0), head, quoted]);
}

describe("probe: echo packets", function () {
  firstTryCounts(this);
  it("sums up to zero", () => {
    assert.equal(checksum(echoRequest(4, ID, 1, payload)), 0);
    assert.equal(checksum(echoRequest(4, ID, 1, payload.subarray(0, 55))), 0);
  });

  const cases: readonly (readonly [string, 4 | 6, Buffer, unknown])[] = [
    ["a reply", 4, reply(4, 3), { kind: "reply", sequence: 3 }],
    ["a reply", 6, reply(6, 3), { kind: "reply", sequence: 3 }],
    ["another program's reply", 4, reply(4, 3, 0x9999), undefined],
    ["a reply with another payload", 6, reply(6, 3, ID, Buffer.alloc(56)), undefined],
    ["a reply that was cut", 4, reply(4, 3).subarray(0, 60), undefined],
    ["our own request, looped back", 6, echoRequest(6, ID, 3, payload), undefined],
    ["fragmentation needed", 4, refusal(4, 3, 4, 1450), { kind: "too big", sequence: 7, mtu: 1450 }],
    [
      "fragmentation needed, 8 bytes quoted",
      4,
      refusal(4, 3, 4, 1450, 28),
      { kind: "too big", sequence: 7, mtu: 1450 },
    ],
    ["another program's refusal", 4, refusal(4, 3, 4, 1450, 200, 0x9999), undefined],
    ["host unreachable", 4, refusal(4, 3, 1, 0), { kind: "unreachable", sequence: 7, code: 1 }],
    ["packet too big", 6, refusal(6, 2, 0, 1430), { kind: "too big", sequence: 7, mtu: 1430 }],
    ["no route", 6, refusal(6, 1, 0, 0), { kind: "unreachable", sequence: 7, code: 0 }],
    ["nothing", 4, Buffer.alloc(0), undefined],
    ["half a header", 4, Buffer.alloc(12, 0x45), undefined],
  ];
  for (const [title, version, data, answer] of cases)
    it(`reads ${title} (IPv${version})`, () => assert.deepEqual(readAnswer(version, data, ID, payload), answer));

  it("reads any bytes without a fall", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(4 as const, 6 as const), (bytes, version) => {
        readAnswer(version, Buffer.from(bytes), ID, payload);
      }),
    );
  });
});

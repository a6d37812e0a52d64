/** Packets that ask for neighbors and names, and what the kernel tells of connections: against captures of a kernel. */
import { deepEqual, equal } from "node:assert/strict";
import { connectionMessage, connectionOf } from "../../lib/probe/connections.ts";
import { nameQuestion, readNameAnswer } from "../../lib/probe/name-server.ts";
import { linkAddress, socketAddress } from "../../lib/probe/sockets.ts";
import {
  arpRequest,
  neighborSolicitation,
  readAdvertisement,
  readArp,
  solicitedNode,
} from "../../lib/probe/solicit.ts";
import { Reader } from "../../lib/wire/buffer.ts";
import { capture } from "../fixtures.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const MAC = "02:00:00:00:00:01";
const OTHER = "02:00:00:00:00:02";

describe("probe: packets", () => {
  const [request = Buffer.alloc(0), reply = Buffer.alloc(0)] = capture("probe/arp.hex");
  const [solicitation = Buffer.alloc(0), advertisement = Buffer.alloc(0)] = capture("probe/nd.hex");

  it("of ARP are those of the kernel", () => {
    equal(hex(arpRequest({ mac: MAC, source: "192.0.2.1", target: "192.0.2.2" })), hex(request));
    equal(readArp(reply, "192.0.2.2"), OTHER);
    // Another address, a request, one that was cut.
    deepEqual(
      [readArp(reply, "192.0.2.3"), readArp(request, "192.0.2.1"), readArp(reply.subarray(0, 27), "192.0.2.2")],
      [undefined, undefined, undefined],
    );
  });

  it("of neighbor discovery are those of the kernel, which fills the checksum in", () => {
    const ours = neighborSolicitation({ mac: MAC, target: "2001:db8::2" });
    equal(hex(ours), hex(solicitation).replace(/^(8700)..../, "$10000"));
    equal(readAdvertisement(advertisement, "2001:db8::2"), OTHER);
    deepEqual(
      [
        readAdvertisement(advertisement, "2001:db8::3"),
        readAdvertisement(solicitation, "2001:db8::2"),
        readAdvertisement(advertisement.subarray(0, 23), "2001:db8::2"),
      ],
      [undefined, undefined, undefined],
    );
    // Without its option, and with one of length 0, which would be read for ever.
    equal(readAdvertisement(advertisement.subarray(0, 24), "2001:db8::2"), "");
    equal(readAdvertisement(Buffer.concat([advertisement.subarray(0, 24), Buffer.alloc(8)]), "2001:db8::2"), "");
    equal(solicitedNode("2001:db8::12:3456:789a"), "ff02::1:ff56:789a");
  });

  it("go to addresses as the kernel's headers lay them out", () => {
    equal(hex(socketAddress("192.0.2.1", 4789)), "020012b5c00002010000000000000000");
    equal(hex(socketAddress("fe80::1", 22, 7)), `0a00001600000000fe80${"00".repeat(13)}0107000000`);
    equal(
      hex(linkAddress(7, 0x0806, "ff:ff:ff:ff:ff:ff")),
      "1100080607000000000000 06ffffffffffff0000".replace(" ", ""),
    );
  });

  it("of name servers are read only as answers to the very question", () => {
    const question = nameQuestion(0x1234, "www.example.org.");
    equal(hex(question), "12340100000100000000000003777777076578616d706c65036f72670000010001");
    const answer = (change: (data: Buffer) => void): string | undefined => {
      const data = Buffer.from(question);
      data.writeUInt16BE(0x8180, 2);
      change(data);
      return readNameAnswer(question, data);
    };
    equal(
      answer(() => undefined),
      "NOERROR",
    );
    equal(
      answer((data) => data.writeUInt16BE(0x8183, 2)),
      "NXDOMAIN",
    );
    equal(
      answer((data) => data.writeUInt16BE(0x818f, 2)),
      "#15",
    );
    equal(
      answer((data) => data.write("WWW", 13)),
      "NOERROR",
    );
    equal(
      answer((data) => data.writeUInt16BE(0x1235, 0)),
      undefined,
    );
    equal(
      answer((data) => data.write("vvv", 13)),
      undefined,
    );
    equal(readNameAnswer(question, question), undefined);
    equal(readNameAnswer(question, question.subarray(0, 20)), undefined);
  });
});

describe("probe: connections", () => {
  it("are read as the kernel tells them, IPv4 at a socket of IPv6 too", () => {
    const told = capture("probe/connections.hex").map((data) =>
      connectionOf(connectionMessage.body.read(new Reader(data), 0, data.length)),
    );
    deepEqual(
      told.map(({ local, localPort, remote, remotePort, state, bytesAcked, unacked, retransmits, pathMtu }) => [
        `${local} ${localPort} ${remote} ${remotePort} ${state}`,
        [bytesAcked, unacked, retransmits, pathMtu],
      ]),
      [
        ["192.0.2.2 22 192.0.2.1 50022 established", [5, 0, 0, 1500]],
        ["2001:db8::2 22 2001:db8::1 50023 established", [0, 0, 0, 1500]],
      ],
    );
    for (const { segmentsIn, rto, lastAckReceived } of told)
      equal(segmentsIn > 0 && segmentsIn < 10 && rto >= 200 && rto < 1000 && lastAckReceived < 60_000, true);
  });

  it("of a kernel that tells less have zeros there", () => {
    const [data = Buffer.alloc(0)] = capture("probe/connections.hex");
    const { local, bytesAcked, segmentsIn } = connectionOf(
      connectionMessage.body.read(new Reader(data.subarray(0, 72)), 0, 72),
    );
    deepEqual([local, bytesAcked, segmentsIn], ["192.0.2.2", 0, 0]);
  });
});

/**
 * One question to a name server, in one datagram.
 *
 * Source: RFC 1035 (4.1).
 */

const HEADER = 12;
const RECURSION_DESIRED = 0x0100;
const TYPE_A = 1;
const CLASS_IN = 1;
/** RCODE by number. */
const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** A question for the IPv4 addresses of a name. */
export function nameQuestion(id: number, name: string): Buffer {
  const head = Buffer.alloc(HEADER);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(RECURSION_DESIRED, 2);
  head.writeUInt16BE(1, 4);
  const labels = name.replace(/\.$/, "").split(".");
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  return Buffer.concat([head, ...parts, Buffer.from([0, 0, TYPE_A, 0, CLASS_IN])]);
}

/** What the answer to that very question says; undefined for every other datagram. */
export function readNameAnswer(question: Buffer, data: Buffer): string | undefined {
  if (data.length < question.length || data.readUInt16BE(0) !== question.readUInt16BE(0)) return undefined;
  const asked = question.subarray(HEADER).toString("latin1").toLowerCase();
  const echoed = data.subarray(HEADER, question.length).toString("latin1").toLowerCase();
  if (((data[2] ?? 0) & 0x80) === 0 || asked !== echoed) return undefined;
  const rcode = (data[3] ?? 0) & 0xf;
  return RCODES[rcode] ?? `#${rcode}`;
}

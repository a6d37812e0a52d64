/** Conversations with a kernel: held with a real one, recorded, and then held with the recording. */
import assert from "node:assert";
import { type Connection, command, NetlinkError } from "../../lib/socket/index.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../../lib/wire/index.ts";
import { begin, dellink, end, getlink, NFTABLES, newchain, newlink, newtable } from "./kinds.ts";

export interface Scenario {
  readonly title: string;
  readonly protocol: number;
  run(connection: Connection): Promise<void>;
}

const CREATE = NLM_F_CREATE | NLM_F_EXCL;
const bridge = (ifname: string) => ({ header: {}, attrs: { ifname, linkinfo: { info: { kind: "bridge" } } } }) as const;
const vxlan = (ifname: string, id: number) =>
  ({ header: {}, attrs: { ifname, linkinfo: { info: { kind: "vxlan", data: { id } } } } }) as const;
const named = (ifname: string) => ({ header: {}, attrs: { ifname } });

async function refusal(attempt: Promise<unknown>): Promise<NetlinkError> {
  const error = await attempt.then(
    () => assert.fail("the kernel should refuse this"),
    (error: unknown) => error,
  );
  assert(error instanceof NetlinkError, String(error));
  return error;
}

/** Each on a socket of its own, in a namespace that is empty but for `lo`. */
export const scenarios: readonly Scenario[] = [
  {
    title: "get one link",
    protocol: 0,
    async run(connection) {
      const { attrs, header } = await connection.get(getlink, { header: { index: 1 } }, newlink);
      assert.equal(attrs.ifname, "lo");
      assert.equal(header.index, 1);
    },
  },
  {
    title: "a link that is not there",
    protocol: 0,
    async run(connection) {
      const error = await refusal(connection.get(getlink, { header: { index: 4711 } }, newlink));
      assert.equal(error.message, "RTM_GETLINK: no such device (ENODEV)");
      assert(error.absent && !error.exists && !error.denied && !error.again);
    },
  },
  {
    title: "an error names the attribute, in the kernel's words",
    protocol: 0,
    async run(connection) {
      const error = await refusal(connection.request(newlink, vxlan("vx0", 1 << 24), CREATE));
      assert.equal(
        error.message,
        "RTM_NEWLINK: VXLAN ID must be lower than 16777216 (ERANGE, at linkinfo.info(vxlan).id)",
      );
      assert.equal(error.code, "ERANGE");
      assert.equal(error.errno, -34);
      assert.equal(error.request, "RTM_NEWLINK");
      assert.equal(error.reason, "VXLAN ID must be lower than 16777216");
      assert.equal(error.attribute, "linkinfo.info(vxlan).id");
    },
  },
  {
    title: "create, create again, delete, delete again",
    protocol: 0,
    async run(connection) {
      assert.equal(await connection.request(newlink, bridge("br0"), CREATE), undefined);
      assert((await refusal(connection.request(newlink, bridge("br0"), CREATE))).exists);
      await connection.request(dellink, named("br0"));
      assert((await refusal(connection.request(dellink, named("br0")))).absent);
    },
  },
  {
    title: "a dump",
    protocol: 0,
    async run(connection) {
      await connection.batch(["br1", "br2", "br3"].map((name) => command(newlink, bridge(name), CREATE)));
      const { messages, consistent } = await connection.dump(getlink, { header: {} }, newlink);
      assert.deepEqual(
        messages.map(({ attrs }) => attrs.ifname),
        ["lo", "br1", "br2", "br3"],
      );
      assert(consistent);
    },
  },
  {
    title: "a dump that strict checking refuses tells so in its DONE",
    protocol: 0,
    async run(connection) {
      const error = await refusal(connection.dump(getlink, { header: { index: 7 } }, newlink));
      assert.equal(error.message, "RTM_GETLINK: Filter by device index not supported for link dumps (EINVAL)");
    },
  },
  {
    title: "a batch is no transaction: each command has its own end",
    protocol: 0,
    async run(connection) {
      const ends = await connection.batch([
        command(newlink, bridge("br1"), CREATE),
        command(newlink, bridge("br1"), CREATE),
        command(newlink, vxlan("vx0", 1 << 24), CREATE),
        command(dellink, named("br1")),
        command(dellink, named("br1")),
      ]);
      assert.deepEqual(
        ends.map((error) => error?.code),
        [undefined, "EEXIST", "ERANGE", undefined, "ENODEV"],
      );
      assert.deepEqual(
        ends.map((error) => error?.index),
        [undefined, 1, 2, undefined, 4],
      );
    },
  },
  {
    title: "nf_tables: all commands or none",
    protocol: 12,
    async run(connection) {
      const table = (name: string) => command(newtable, { header: { family: 2 }, attrs: { name } }, CREATE);
      const chain = (of: string) =>
        command(newchain, { header: { family: 2 }, attrs: { table: of, name: "c" } }, NLM_F_CREATE);
      const frame = [command(begin, NFTABLES), command(end, NFTABLES)] as const;
      const error = await refusal(
        connection.transaction(frame[0], [table("a"), chain("nowhere"), table("b")], frame[1]),
      );
      assert.equal(error.code, "ENOENT");
      assert.equal(error.index, 1);
      assert.equal(error.request, "NFT_MSG_NEWCHAIN");
      await connection.transaction(frame[0], [table("a"), chain("a"), table("b")], frame[1]);
      const again = await refusal(connection.transaction(frame[0], [table("c"), table("b")], frame[1]));
      assert.equal(again.index, 1);
      assert(again.exists);
    },
  },
];

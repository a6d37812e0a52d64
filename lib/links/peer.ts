/**
 * Links that are made in pairs: the far end's message inside the near end's. Nothing of it is dumped: the far end stands
 * in IFLA_LINK, and in IFLA_LINK_NETNSID where it lives in another namespace.
 *
 * Source: include/uapi/linux/veth.h (VETH_INFO_PEER), drivers/net/veth.c (veth_newlink), drivers/net/netkit.c
 * (netkit_new_link).
 */
import { check, integer, linkName, mac, type Shape } from "../shape/shape.ts";
import {
  align,
  at,
  attrs,
  type Codec,
  hardware,
  type In,
  type Out,
  s32,
  struct,
  text,
  u8,
  u16,
  u32,
} from "../wire/index.ts";
import { custom, type LinkNames, type NetnsRef, type Option } from "./option.ts";

const header = struct("ifinfomsg", { family: u8, _pad: u8, type: u16, index: s32, flags: u32, change: u32 });
/** What the far end may be told at creation; the numbers are those of a link. */
const peerAttrs = attrs("IFLA", {
  address: at(1, hardware),
  ifname: at(3, text),
  mtu: at(4, u32),
  txqlen: at(13, u32),
  ifalias: at(20, text),
  netNsFd: at(28, u32),
  numTxQueues: at(31, u32),
  numRxQueues: at(32, u32),
});
export interface PeerIn {
  readonly header: In<typeof header>;
  readonly attrs: In<typeof peerAttrs>;
}
export interface PeerOut {
  readonly header: Out<typeof header>;
  readonly attrs: Out<typeof peerAttrs>;
}
/** A whole link message inside an attribute. */
export const peerMessage: Codec<PeerIn, PeerOut> = {
  name: "ifinfomsg and IFLA",
  write(out, value) {
    header.write(out, value.header);
    peerAttrs.write(out, value.attrs);
  },
  read: (from, start, end) => ({
    header: header.read(from, start, end),
    attrs: peerAttrs.read(from, start + align(header.size), end),
  }),
};

/** The far end of a veth, when it is made. It is switched on afterwards: the kernel refuses it in the same message. */
export interface Peer {
  readonly name: string;
  readonly mac?: string;
  /** Bytes, 68 to 65535; default 1500. */
  readonly mtu?: number;
  /** Where the far end is to live; default: beside this end. A namespace, or the name of one. */
  readonly netns?: NetnsRef;
}
export const netnsRef: Shape<NetnsRef> = {
  expected: "a network namespace: its name, its path, or an object that holds it",
  json: { type: "string" },
  accepts: (value): value is NetnsRef =>
    typeof value === "string" ? value !== "" : Number.isInteger((value as { fd?: unknown } | null)?.fd),
};
const peerShapes = { name: linkName, mac, mtu: integer(68, 0xffff, "bytes"), netns: netnsRef };
const peerShape: Shape<Peer> = {
  expected: "the far end, such as { name: eth0, mtu: 1450, netns: blue }; name is needed, mac, mtu and netns are not",
  json: {
    type: "object",
    properties: Object.fromEntries(Object.entries(peerShapes).map(([key, { json }]) => [key, json])),
    required: ["name"],
    additionalProperties: false,
  },
  accepts(value): value is Peer {
    if (typeof value !== "object" || value === null || !("name" in value)) return false;
    try {
      check([], peerShapes, value);
      return true;
    } catch {
      return false;
    }
  },
};

/** The far end, made together with this one. Told by its name where it lives in the same namespace. */
export function peerOption(attribute: string): Option<Peer> {
  return custom<Peer>(
    [attribute],
    peerShape,
    ({ name, mac: address, mtu, netns }, names) => ({
      [attribute]: {
        header: {},
        attrs: { ifname: name, address, mtu, netNsFd: netns === undefined ? undefined : names.fdOf(netns) },
      } satisfies PeerIn,
    }),
    () => undefined,
    { fixed: true, equal: (a, b) => a.name === b.name },
  );
}
/** The far end by its name. */
export function peerOf(link: Readonly<Record<string, unknown>>, names: LinkNames): { readonly peer?: Peer } {
  const index = link["link"];
  if (typeof index !== "number" || index === 0 || link["linkNetnsid"] !== undefined) return {};
  return { peer: { name: names.nameOf(index) ?? `#${index}` } };
}

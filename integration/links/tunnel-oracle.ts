/** What `ip -json -d link` should tell of a tunnel, key by key. */
import { ipv6, Reader } from "../../lib/wire/index.ts";
import type { Table } from "./oracle.ts";

const hex = (value: unknown): string => `0x${Number(value ?? 0).toString(16)}`;
const padded = (value: unknown, digits: number): string => `0x${Number(value).toString(16).padStart(digits, "0")}`;
/** As iproute2 prints a key: four bytes. */
const quad = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");

/** A hardware address as iproute2 prints it: of a tunnel it is an address of the network, filled up with zeros. */
export function hardware(bytes: string | undefined, theirs: unknown): unknown {
  if (bytes === undefined || bytes === theirs) return bytes;
  const numbers = bytes.split(":").map((byte) => Number.parseInt(byte, 16));
  if (String(theirs).includes(".")) return numbers.join(".");
  return ipv6.read(new Reader(Uint8Array.from({ length: 16 }, (_, i) => numbers[i] ?? 0)), 0, 16);
}

const ENDS: Table = {
  remote: (link) => link.remote ?? "any",
  local: (link) => link.local ?? "any",
  link: (link) => link.dev,
  ttl: (link) => (link.ttl === "inherit" ? 0 : link.ttl),
  fwmark: (link) => hex(link.fwmark),
  external: (link) => link.external,
};
const V4: Table = {
  ...ENDS,
  tos: (link) => hex(link.tos),
  pmtudisc: (link) => link.pmtudisc,
};
const V6: Table = {
  ...ENDS,
  encap_limit: (link) => link.encaplimit,
  ip6_tnl_f_ign_encap_limit: (link) => link.encaplimit === "none",
  tclass: (link) => padded(link.tclass, 2),
  ip6_tnl_f_use_orig_tclass: (link) => link.tclass === "inherit",
  flowlabel: (link) => padded(link.flowlabel, 5),
  ip6_tnl_f_use_orig_flowlabel: (link) => link.flowlabel === "inherit",
  ip6_tnl_f_use_orig_fwmark: (link) => link.fwmark === "inherit",
  ip6_tnl_f_rcv_dscp_copy: (link) => link.dscp === "inherit",
  ip6_tnl_f_allow_local_remote: (link) => link.allowLocalremote,
};
const ENCAP: Table = {
  encap: (link) => ({
    type: link.encap,
    sport: link.encapSport,
    dport: link.encapDport,
    csum: link.encapCsum,
    csum6: link.encapCsum6,
    remcsum: link.encapRemcsum,
  }),
};
const KEYS: Table = { ikey: (link) => quad(link.ikey), okey: (link) => quad(link.okey) };
const GRE: Table = {
  ...KEYS,
  ...ENCAP,
  iseq: (link) => link.iseq,
  oseq: (link) => link.oseq,
  icsum: (link) => link.icsum,
  ocsum: (link) => link.ocsum,
  ignore_df: (link) => link.ignoreDf,
  erspan_ver: (link) => link.erspanVer,
  erspan_index: (link) => link.erspan,
  erspan_dir: (link) => link.erspanDir,
  erspan_hwid: (link) => (link.erspanHwid === 0 ? "0" : hex(link.erspanHwid)),
};
const MODE: Table = { ...ENCAP, proto: (link) => link.mode };
const GENEVE: Table = {
  id: (link) => link.vni,
  remote: (link) => link.remote,
  remote6: (link) => link.remote,
  ttl: (link) => link.ttl,
  tos: (link) => hex(link.tos),
  label: (link) => hex(link.label),
  df: (link) => link.df,
  port: (link) => link.dstport,
  udp_csum: (link) => link.udpCsum,
  udp_zero_csum6_tx: (link) => link.udp6ZeroCsumTx,
  udp_zero_csum6_rx: (link) => link.udp6ZeroCsumRx,
  inner_proto_inherit: (link) => link.innerProtoInherit,
  external: (link) => link.external,
};
const part = (prefix: string | undefined, at: 0 | 1): string | undefined => prefix?.split("/")[at];
const SIT: Table = {
  ...V4,
  ...MODE,
  isatap: (link) => link.isatap,
  prefix: (link) => part(link["6rdPrefix"], 0),
  prefixlen: (link) => Number(part(link["6rdPrefix"], 1)),
  relay_prefix: (link) => part(link["6rdRelayPrefix"], 0),
  relay_prefixlen: (link) => Number(part(link["6rdRelayPrefix"], 1)),
};

export const TUNNEL_TABLES: Readonly<Record<string, Table>> = {
  gre: { ...V4, ...GRE },
  gretap: { ...V4, ...GRE },
  erspan: { ...V4, ...GRE },
  ip6gre: { ...V6, ...GRE },
  ip6gretap: { ...V6, ...GRE },
  ip6erspan: { ...V6, ...GRE },
  ipip: { ...V4, ...MODE },
  sit: SIT,
  ip6tnl: { ...V6, ...MODE },
  vti: { ...ENDS, ...KEYS },
  vti6: { ...ENDS, ...KEYS },
  xfrm: { if_id: (link) => hex(link.ifId), link: (link) => link.dev, external: (link) => link.external },
  geneve: GENEVE,
};

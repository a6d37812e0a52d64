/** What `bridge -json fdb` should tell of an entry that we read. */
import type { FdbEntry } from "../../lib/neighbors/entry.ts";
import { given } from "../routes/kit.ts";

/** An entry of ours as `bridge -json fdb` tells it. */
export function asBridge(one: FdbEntry): Record<string, unknown> {
  const flags = [
    one.self && "self",
    one.router && "router",
    one.externLearn && "extern_learn",
    one.offloaded && "offload",
    one.sticky && "sticky",
  ];
  return given({
    mac: one.mac,
    ifname: one.dev,
    dst: one.dst,
    vlan: one.vlan,
    port: one.port,
    vni: one.vni,
    src_vni: one.srcVni,
    viaIf: one.via,
    nhid: one.nhid,
    flags: flags.filter((word) => typeof word === "string"),
    master: one.master,
    state: one.state === "dynamic" ? "" : one.state,
  });
}

/**
 * The founding story's host by the wire layer, as `floor.c` does it, with indexes of links that nobody looked up: see
 * `host.ts` for the same by the interface that people use. Nothing of it was run before.
 */

import { batchBegin, batchEnd, NETLINK_NETFILTER, nftBatch } from "../lib/families/netfilter.ts";
import { NETLINK_ROUTE } from "../lib/families/route.ts";
import { newlink } from "../lib/links/schema.ts";
import type { Expression } from "../lib/nftables/expressions/index.ts";
import { newChain, newRule, newTable } from "../lib/nftables/messages.ts";
import { Connection, command } from "../lib/socket/index.ts";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from "../lib/wire/index.ts";
import { loadBinding } from "../native-bindings/index.ts";
import { measured } from "./contest.ts";

const binding = loadBinding();
/** The namespace that the thread is in. */
const HERE = -1;

const CREATE = NLM_F_CREATE | NLM_F_EXCL;
const UP = { flags: 1, change: 1 };
const HEADER = { family: 2, version: 0, resId: 0 };
const name = new Uint8Array(16);
name.set([98, 114, 48]);

const resized = (index: number) => command(newlink, { header: { index }, attrs: { mtu: 1400 } }, 0);
const meta = (key: "iifname" | "oifname"): Expression => ({ kind: "meta", data: { key, dreg: 1 } });
const compare = (op: "eq" | "neq", value: Uint8Array): Expression => ({
  kind: "cmp",
  data: { sreg: 1, op, data: { value } },
});
const chain = (title: string, type: string, hooknum: number, priority: number) =>
  command(
    newChain,
    { header: HEADER, attrs: { table: "pf", name: title, hook: { hooknum, priority }, type } },
    NLM_F_CREATE,
  );
const rule = (where: string, expressions: readonly Expression[]) =>
  command(newRule, { header: HEADER, attrs: { table: "pf", chain: where, expressions } }, NLM_F_CREATE | NLM_F_APPEND);
const ACCEPT: Expression = { kind: "immediate", data: { dreg: 0, data: { verdict: { code: 1 } } } };

function setting(netns: number, path: string, value: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (written: number): void => (written < 0 ? reject(new Error(`${path}: ${written}`)) : resolve());
    binding.nsWrite(netns, `/proc/sys/net/${path}`, Buffer.from(value), done);
  });
}

async function story(route: Connection, filter: Connection, netns: number): Promise<undefined> {
  const bridge = { ifname: "br0", linkinfo: { info: { kind: "bridge" } } } as const;
  const data = { id: 1, group: "10.0.0.2", port: 4789 };
  const vxlan = { ifname: "vx0", master: 1000, linkinfo: { info: { kind: "vxlan", data } } } as const;
  const made = await route.batch([
    command(newlink, { header: { ...UP, index: 1000 }, attrs: bridge }, CREATE),
    command(newlink, { header: { ...UP, index: 1001 }, attrs: vxlan }, CREATE),
    resized(1001),
    resized(1000),
  ]);
  for (const error of made) if (error !== undefined) throw error;
  await Promise.all([
    setting(netns, "ipv4/ip_forward", "1"),
    setting(netns, "ipv4/conf/all/rp_filter", "2"),
    setting(netns, "ipv4/conf/br0/rp_filter", "2"),
    setting(netns, "ipv4/conf/br0/proxy_arp", "1"),
    setting(netns, "ipv6/conf/br0/disable_ipv6", "1"),
    filter.transaction(
      command(batchBegin, nftBatch(), 0),
      [
        command(newTable, { header: HEADER, attrs: { name: "pf" } }, NLM_F_CREATE),
        chain("post", "nat", 4, 100),
        chain("fw", "filter", 2, 0),
        rule("post", [
          meta("oifname"),
          compare("neq", name),
          { kind: "payload", data: { dreg: 1, base: "network", offset: 12, len: 3 } },
          compare("eq", new Uint8Array([10, 9, 0])),
          { kind: "masq", data: {} },
        ]),
        rule("fw", [meta("iifname"), compare("eq", name), ACCEPT]),
        rule("fw", [meta("oifname"), compare("eq", name), ACCEPT]),
      ],
      command(batchEnd, nftBatch(), 0),
    ),
  ]);
  return undefined;
}

await measured("host", 1, async (netns) => {
  const route = Connection.open({ protocol: NETLINK_ROUTE, netns });
  const filter = Connection.open({ protocol: NETLINK_NETFILTER, netns });
  const close = async (): Promise<void> => {
    route.close();
    filter.close();
  };
  return { run: () => story(route, filter, netns ?? HERE), [Symbol.asyncDispose]: close };
});

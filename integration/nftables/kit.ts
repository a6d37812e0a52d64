/** A namespace of its own for each test, with our service and the real nft beside each other. */
import assert from "node:assert";
import { Netns } from "../../lib/netns/netns.ts";
import { Nftables, type Rule, type Table } from "../../lib/nftables/index.ts";
import { Connection } from "../../lib/socket/index.ts";

/** What a test works with. */
export interface Scene extends AsyncDisposable {
  readonly netns: Netns;
  readonly connection: Connection;
  readonly nftables: Nftables;
  /** Runs nft in the namespace and returns what it printed. `input` goes to `nft -f -`. */
  nft(...args: string[]): Promise<string>;
  load(input: string): Promise<void>;
}

/** NETLINK_NETFILTER. */
const PROTOCOL = 12;

/** Runs a program in a namespace. */
export function run(netns: Netns, file: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = netns.run(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout?.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.stderr?.on("data", (data: Buffer) => {
      err += data.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${file} ${args.join(" ")}: ${err}`))));
    child.stdin?.on("error", () => undefined); // it may end without reading
    child.stdin?.end(input);
  });
}

export async function scene(): Promise<Scene> {
  const netns = await Netns.create();
  const connection = Connection.open({ protocol: PROTOCOL, netns: netns.fd });
  return {
    netns,
    connection,
    nftables: new Nftables(connection),
    nft: (...args) => run(netns, "nft", args),
    load: async (input) => {
      await run(netns, "nft", ["-f", "-"], input);
    },
    [Symbol.asyncDispose]: async () => {
      connection.close();
      netns.close();
    },
  };
}

/** What stands in a table's chains, without handles. */
export function rulesOf(table: Table | undefined): Readonly<Record<string, readonly Rule[]>> {
  assert(table, "no such table");
  return Object.fromEntries(
    (table.chains ?? []).map((chain) => [
      chain.name,
      (chain.rules ?? []).map((rule) => {
        const { handle: _, ...rest } = rule as Rule & { handle?: bigint };
        return rest as Rule;
      }),
    ]),
  );
}

/** The founding story's policy on the first host. */
export const story: Table = {
  family: "inet",
  name: "linkwright",
  comment: "managed by linkwright",
  chains: [
    {
      name: "lw_post",
      type: "nat",
      hook: "postrouting",
      priority: "srcnat",
      rules: [
        {
          match: { saddr: "12.12.139.0/24", oifname: "ens34f0" },
          counter: true,
          action: { masquerade: true },
          comment: "nat",
        },
        { match: { saddr: "2001:db8:39::/64", oifname: "ens*" }, action: { masquerade: true, flags: ["random"] } },
      ],
    },
    {
      name: "lw_fwd",
      hook: "forward",
      policy: "drop",
      rules: [
        { match: { iifname: "br-vm", oifname: "ens34f0" }, action: "accept", comment: "out" },
        { match: { iifname: "ens34f0", oifname: "br-vm", ctState: ["established", "related"] }, action: "accept" },
        {
          match: { oifname: "ens34f0", tcpFlags: { set: ["syn"], of: ["syn", "rst"] } },
          action: { clampMss: "rt mtu" },
        },
        { match: { tcpFlags: { any: ["syn"] }, mss: { over: 1410 } }, action: { clampMss: 1410 } },
        { action: { jump: "lw_sub" } },
      ],
    },
    { name: "lw_sub", comment: "jumped to", rules: [{ match: { protocol: "udp", dport: 4789 }, counter: true }] },
  ],
};

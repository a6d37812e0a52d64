/**
 * Runs the package as short programs do, in a sandbox, and keeps what Node has compiled for it.
 * usage: node lib/rehearsal.mjs, after dist/ was made
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, "dist/lib");
const EXAMPLE = join(ROOT, "examples/two-hosts.yaml");
const inside = process.argv[2] === "inside";

const TABLE = {
  family: "ip",
  name: "pf",
  chains: [
    {
      name: "post",
      type: "nat",
      hook: "postrouting",
      priority: "srcnat",
      rules: [{ match: { saddr: "10.9.0.0/24", oifname: { not: "br0" } }, action: { masquerade: true } }],
    },
    { name: "fw", hook: "forward", rules: [{ match: { iifname: "br0" }, action: "accept" }] },
  ],
};

/** The founding story's host by the library, and what the command makes of a document. What this kernel lacks is left out. */
async function rehearse() {
  const { Host } = await import(join(DIST, "index.js"));
  const host = await Host.open();
  const { links, addresses, routes, fdb, sysctls, nftables } = host;
  const underlay = "ens34f0";
  const steps = [
    () => links.create({ kind: "bridge", name: "br0", mtu: 1400, up: true }),
    () =>
      links.create({ kind: "vxlan", name: "vx0", vni: 1, remote: "10.0.0.2", dstport: 4789, master: "br0", up: true }),
    () => addresses.create({ dev: "br0", address: "10.9.0.1/24" }),
    () => routes.create({ dst: "10.8.0.0/24", dev: "br0" }),
    () => fdb.append({ dev: "vx0", mac: "00:00:00:00:00:00", dst: "10.0.0.3" }),
    () => sysctls.set("net.ipv4.ip_forward", 1),
    () => nftables.replace(TABLE),
    () => links.update("br0", { mtu: 1450 }),
    () => Promise.all([links.list(), links.get("vx0"), addresses.list(), routes.list(), fdb.list()]),
    () => links.delete("vx0"),
    () => links.create({ kind: "bridge", name: underlay, up: true }),
    () => addresses.create({ dev: underlay, address: "192.168.0.23/24" }),
  ];
  for (const [n, step] of steps.entries()) {
    await step().catch(() => undefined);
    // What every script needs is kept as one that makes a link has used it: what is kept is also to be read.
    if (n === 0) await keep();
  }
  await host[Symbol.asyncDispose]();
  process.argv.splice(2, 1, "plan", EXAMPLE, "--host", "bm1");
  await import(join(DIST, "cli/main.js"));
}

/** Behind the code stands the text it was made of, for `part` to compare. */
async function keep() {
  const { scripts } = await import(join(DIST, "parts.js"));
  const folder = join(DIST, "code", `${process.version}-${process.arch}`);
  mkdirSync(folder, { recursive: true });
  for (const [name, script] of scripts) {
    const file = join(folder, name.replaceAll("/", "+"));
    if (!existsSync(file))
      writeFileSync(file, Buffer.concat([script.createCachedData(), readFileSync(join(DIST, name))]));
  }
}

if (inside) {
  await rehearse();
  await keep();
  process.exitCode = 0;
} else {
  const { runInSandbox } = await import(join(DIST, "testkit/index.js"));
  process.exitCode = await runInSandbox([process.execPath, fileURLToPath(import.meta.url), "inside"]);
}

/** A namespace for each test; our links and iproute2 side by side in it. */
import { Host } from "../../lib/host.ts";
import type { Links } from "../../lib/links/links.ts";
import type { Link } from "../../lib/links/words.ts";
import type { Netns } from "../../lib/netns/netns.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";

/** What `ip -json` tells of one link. */
export type IpLink = Readonly<Record<string, unknown>> & { readonly ifname: string };

/** What a test works with. */
export interface Scene extends AsyncDisposable {
  readonly host: Host;
  readonly links: Links;
  readonly netns: Netns;
  /** Runs lines of shell in the namespace; returns what they printed. */
  sh(script: string): Promise<string>;
  /** What `ip -json -d link` tells of a link. */
  ip(name: string): Promise<IpLink>;
  /** A link that is there. */
  link(name: string): Promise<Link>;
}

function run(namespace: Netns, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = namespace.run("sh", ["-ec", script], { stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", error: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said.error += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(said.out) : reject(new Error(`${script}: ${said.error}`))));
  });
}

/** Opens a scene; it is gone at the end of the block. */
export async function scene(script = ""): Promise<Scene> {
  const netns = await TestNamespace.create();
  const host = await Host.open({ netns });
  const sh = (lines: string): Promise<string> => run(netns, lines);
  const end = async (): Promise<void> => {
    host.close();
    await netns[Symbol.asyncDispose]();
  };
  try {
    if (script !== "") await sh(script);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    host,
    netns,
    links: host.links,
    sh,
    async ip(name) {
      const [link] = JSON.parse(await sh(`ip -json -d link show dev ${name}`)) as IpLink[];
      if (link === undefined) throw new Error(`ip shows no ${name}`);
      return link;
    },
    async link(name) {
      const link = await host.links.get(name);
      if (link === undefined) throw new Error(`there is no ${name}`);
      return link;
    },
    [Symbol.asyncDispose]: end,
  };
}

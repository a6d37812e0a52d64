/**
 * What is drawn at random and said in iproute2's words is read from these words as it was drawn. The same lines are
 * carried out by iproute2 in the tests of agreement, so that they are its own.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import fc from "fast-check";
import { Findings } from "../../lib/import/finding.ts";
import type { HostModel } from "../../lib/import/model.ts";
import { Shell } from "../../lib/import/shell.ts";
import type { KindName } from "../../lib/links/kinds/index.ts";
import type { LinkConfig } from "../../lib/links/words.ts";
import { isWide } from "../../lib/routes/words.ts";
import { firstTryCounts } from "../../test/needs.ts";
import { addressesIn } from "../agreement/addresses.ts";
import { entriesIn } from "../agreement/entries.ts";
import type { Sort } from "../agreement/kit.ts";
import { linksIn } from "../agreement/links.ts";
import { routesIn } from "../agreement/routes.ts";

const RUNS = 50;
/** Drawing and saying need no host. */
const nowhere = {} as never;

/** Reads commands; all of them have to be understood. */
function read(program: string, lines: readonly string[]): HostModel {
  const findings = new Findings();
  const shell = new Shell(findings);
  shell.run(lines.map((text, i) => ({ number: i + 1, text: `${program} ${text}` })));
  const wrong = findings.all.filter(({ level }) => level === "error");
  deepEqual(wrong, [], lines.join("\n"));
  return shell.model("");
}

function agree<C>(sort: Sort<C>, check: (model: HostModel, config: C) => void): void {
  fc.assert(
    fc.property(sort.drawn, (configs) => {
      for (const config of configs) check(read(sort.program, sort.lines(config)), config);
    }),
    { numRuns: RUNS },
  );
}

/** Whether there is no word for it: a switch that can only be said, a map of nothing, what is kept as it is. */
const isUnsaid = (value: unknown): boolean =>
  value === false ||
  value === "keep" ||
  (typeof value === "object" && value !== null && Object.keys(value).length === 0);
/** What was said of a configuration. */
const said = (config: object, has: object): object =>
  Object.fromEntries(
    Object.entries(JSON.parse(JSON.stringify(config)) as object).filter(
      ([key, value]) => key in has || !isUnsaid(value),
    ),
  );

type Drawn = LinkConfig & { readonly port?: object };
const KINDS: readonly KindName[] = [
  ...([
    "vxlan",
    "bridge",
    "veth",
    "ifb",
    "dummy",
    "gre",
    "gretap",
    "ipip",
    "sit",
    "vti",
    "ip6gre",
    "ip6gretap",
  ] as const),
  ...(["ip6tnl", "vti6", "xfrm", "geneve", "vlan", "macvlan", "vrf", "bond"] as const),
];

describe("words of iproute2 that an import reads", function () {
  firstTryCounts(this);
  this.timeout(60_000);

  for (const kind of KINDS)
    it(`of a link of kind ${kind}`, () => {
      agree(linksIn(nowhere, [kind]), (model, config: LinkConfig) => {
        const { name, kind: drawn, up, port = {}, master, altnames = [], ...options } = config as Drawn;
        const link = model.links.get(name);
        equal(link?.kind, drawn);
        equal(link.up ?? false, up ?? false);
        const { master: is, altnames: names = [], ...found } = link.options;
        equal(is, master);
        deepEqual(names, altnames);
        deepEqual(found, said(options, found));
        deepEqual(link.port, said(port, link.port));
      });
    });

  it("of addresses", () => {
    agree(addressesIn(nowhere), (model, { dev, broadcast, ...config }) => {
      const [entry] = model.links.get(dev)?.addresses ?? [];
      const { broadcast: found, ...words } = entry?.words ?? {};
      deepEqual(words, said(config, {}));
      // The last address of a prefix is worked out where that is the far end's.
      if (broadcast === "+" && config.peer !== undefined) match(String(found), /^10\.\d+\.\d+\.\d+$/);
      else equal(found, broadcast === "none" ? undefined : broadcast);
    });
  });

  it("of routes", () => {
    agree(routesIn(nowhere), (model, config) => {
      const { dev, protocol: _, family, type, ...rest } = config;
      const [entry] = dev === undefined ? model.routes : (model.links.get(dev)?.routes ?? []);
      // The family of a default is that of its gateway, unless it is said.
      const named = rest.dst === "default" && (family === "inet6" || isWide({ ...rest, dev, family: undefined }));
      const kind = type === undefined || type === "unicast" ? {} : { type };
      const has = entry?.words ?? {};
      deepEqual(has, said({ ...rest, ...kind, ...(named && { family }) }, has));
    });
  });

  it("of forwarding entries", () => {
    agree(entriesIn(nowhere), (model, config) => {
      const { dev, self: _, state, ...rest } = config;
      const [entry] = model.links.get(dev)?.fdb ?? [];
      const has = entry?.words ?? {};
      deepEqual(has, said({ ...rest, ...(state !== "permanent" && { state }) }, has));
    });
  });
});

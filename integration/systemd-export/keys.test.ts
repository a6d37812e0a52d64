/** Each key that may be written is one that networkd of that version knows, and none is kept back that it knows. */
import { deepEqual } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  addressKeys,
  fdbKeys,
  type Key,
  linkKeys,
  neighborKeys,
  portKeys,
  routeKeys,
  ruleKeys,
} from "../../lib/systemd/keys.ts";
import { netdevKeys, underlayKeys } from "../../lib/systemd/kinds.ts";
import { detectVersion, parseVersion } from "../../lib/systemd/version.ts";
import { wireguardKeys, wireguardPeerKeys } from "../../lib/systemd/wireguard.ts";
import { skip } from "../../test/needs.ts";
import { TREE } from "../systemd/kit.ts";
import { NETWORKD } from "./networkd.ts";

const TABLES = [
  ...[linkKeys, portKeys, addressKeys, routeKeys, ruleKeys, fdbKeys, neighborKeys],
  ...[wireguardKeys, wireguardPeerKeys],
];
const ALL: readonly Pick<Key, "section" | "key" | "since">[] = [
  ...TABLES.flatMap((table) => Object.values(table)),
  ...netdevKeys(),
  ...underlayKeys().map((key) => ({ section: "Network", key, since: 0 })),
];

/** Of no use before there was another key: Linux takes it with External= only. */
const KEPT_BACK = "VXLAN.GenericProtocolExtension";

describe("keys of networkd", () => {
  it("are those that this version has", function () {
    const file = join(TREE, NETWORKD);
    if (!existsSync(file)) skip(this, "systemd-networkd is not installed: apt-get install systemd");
    const version = TREE === "/" ? detectVersion() : parseVersion(basename(TREE));
    const text = readFileSync(file, "latin1");
    const first = new Map<string, number>();
    for (const { section, key, since } of ALL) {
      const name = `${section}.${key}`;
      first.set(name, Math.min(since, first.get(name) ?? since));
    }
    const known = [...first.keys()].filter(
      (name) => text.includes(`\0${name}\0`) && (name !== KEPT_BACK || version >= 258),
    );
    const told = [...first].flatMap(([name, since]) => (since <= version ? [name] : []));
    deepEqual(known.sort(), told.sort());
  });
});

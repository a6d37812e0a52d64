/** Link messages in people's words. */
import { IFF_LOWER_UP } from "../families/route.ts";
import type { MessageOut } from "../wire/index.ts";
import { kindNamed } from "./kinds/index.ts";
import { fromWire, type LinkNames } from "./option.ts";
import { portOf } from "./ports.ts";
import type { newlink } from "./schema.ts";
import { readCounters } from "./schema.ts";
import { bitFor, commonOptions, flagWords, type Link } from "./words.ts";

type Told = Readonly<Record<string, unknown>>;

const FLAGS = Object.entries(flagWords);

/** Links of other namespaces have indexes of those. */
const elsewhere: LinkNames["nameOf"] = () => undefined;

/** A link message in people's words. */
export function linkFromWire(wire: MessageOut<typeof newlink>, names: LinkNames, statistics = true): Link {
  const { header, attrs } = wire;
  const { info, slave } = attrs.linkinfo ?? {};
  const kindName = info?.kind.replace(/^#/, "") || undefined;
  const kind = kindNamed(kindName);
  const below: LinkNames = attrs.linkNetnsid === undefined ? names : { ...names, nameOf: elsewhere };
  const link: Record<string, unknown> = { name: attrs.ifname ?? "", index: header.index };
  const put = (key: string, value: unknown): void => {
    if (value !== undefined) link[key] = value;
  };
  put("kind", kindName);
  for (const [word, bit] of FLAGS) link[word] = bitFor(word, (header.flags & bit) !== 0);
  fromWire(commonOptions, attrs, names, attrs, link);
  link["mtu"] ??= 0;
  if (kind !== undefined) {
    const { data = {} } = info ?? {};
    if (!(data instanceof Uint8Array)) fromWire(kind.options, data, below, attrs, link);
    Object.assign(link, kind.beside?.(attrs, below));
  }
  const port = portOf(slave?.kind);
  if (port !== undefined && slave?.data !== undefined) link["port"] = fromWire(port.options, slave.data as Told, names);
  link["operstate"] = String(attrs.operstate ?? "unknown");
  link["carrier"] = attrs.carrier ?? false;
  link["lowerUp"] = (header.flags & IFF_LOWER_UP) !== 0;
  if (attrs.link !== undefined && attrs.link !== 0) {
    if (attrs.linkNetnsid === undefined && kind?.beside === undefined) put("parent", names.nameOf(attrs.link));
    link["parentIndex"] = attrs.link;
    put("parentNsid", attrs.linkNetnsid);
  }
  put("altnames", attrs.propList?.altIfname);
  put("qdisc", attrs.qdisc);
  put("permanentMac", attrs.permAddress);
  put("minMtu", attrs.minMtu);
  put("maxMtu", attrs.maxMtu);
  if (statistics && attrs.stats64 !== undefined) link["statistics"] = readCounters(attrs.stats64);
  link["wire"] = wire;
  return link as unknown as Link;
}

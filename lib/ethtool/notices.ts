/**
 * What the kernel tells of changed devices, over the family's multicast group `monitor`.
 *
 * Source: include/uapi/linux/ethtool_netlink.h (ETHTOOL_MSG_*_NTF), include/uapi/linux/ethtool.h (ETH_SS_*),
 * net/ethtool/netlink.c (ethnl_default_notify: sets of bits come without their names), net/ethtool/bitset.c.
 */
import {
  CTRL_CMD_GETFAMILY,
  GENL_ID_CTRL,
  genericBody,
  genericMessage,
  getFamily,
  lookUpFamily,
} from "../families/generic.ts";
import { type CallOptions, Monitor, type MonitorOptions, SocketError } from "../socket/index.ts";
import { Inbox, META_LENGTH, META_PORT, type Transport } from "../socket/transport.ts";
import {
  type AnySchema,
  type AttrsOut,
  at,
  attrs,
  type Message,
  NLM_F_REQUEST,
  NLMSG_HDRLEN,
  Writer,
  writeMessage,
} from "../wire/index.ts";
import type { EthtoolConnection } from "./ethtool.ts";
import { decodeFeatures, type Features } from "./features.ts";
import { type LinkModes, linkModesFromWire } from "./link.ts";
import {
  type bitset,
  ETHTOOL_GENL_NAME,
  ETHTOOL_GENL_VERSION,
  ETHTOOL_MSG,
  ethtoolFeatures,
  ethtoolHeader,
  ethtoolLinkModes,
  ethtoolStrings,
} from "./schema.ts";
import {
  type Channels,
  type Coalesce,
  channels,
  coalesce,
  type Group,
  groupFromWire,
  type LinkInfo,
  linkInfo,
  type Pause,
  pause,
  type Rings,
  rings,
} from "./settings.ts";
import { stringsFromWire } from "./statistics.ts";

/** Settings of a device, each in the words of its method of {@link Ethtool}. */
export interface EthtoolSettings {
  readonly features: Features;
  readonly linkModes: LinkModes;
  readonly linkInfo: LinkInfo;
  readonly rings: Rings;
  readonly channels: Channels;
  readonly coalesce: Coalesce;
  readonly pause: Pause;
}
interface Changed<N extends string, T> {
  /** Name of the device. */
  readonly dev: string;
  readonly index: number;
  readonly setting: N;
  /** All of the setting, as it is now. */
  readonly value: T;
}
/**
 * A setting of a device that was changed. One that has no words here, such as wake-on-LAN, has the number of its message
 * for a name, and its attributes as bytes by their numbers.
 */
export type EthtoolChange =
  | { [N in keyof EthtoolSettings]: Changed<N, EthtoolSettings[N]> }[keyof EthtoolSettings]
  | Changed<`#${number}`, Readonly<Record<string, unknown>>>;

/** Names of bits by their numbers, of each set of names. */
export type BitNames = ReadonlyMap<number, ReadonlyMap<number, string>>;
/** ETH_SS_FEATURES, ETH_SS_LINK_MODES. */
export const BIT_NAMES = { features: 4, linkModes: 9 } as const;

/** Reads the names that this kernel has for bits; they stay the same while it runs. */
export async function readBitNames(connection: EthtoolConnection, options?: CallOptions): Promise<BitNames> {
  const { id } = await lookUpFamily(connection, ETHTOOL_GENL_NAME, options);
  const message = genericMessage("ETHTOOL_MSG_STRSET_GET", id, genericBody(ethtoolStrings));
  const stringset = Object.values(BIT_NAMES).map((set) => ({ id: set }));
  const header = { cmd: ETHTOOL_MSG.STRSET_GET, version: ETHTOOL_GENL_VERSION };
  const request = { header, attrs: { header: {}, stringsets: { stringset } } };
  return stringsFromWire((await connection.get(message, request, message, options)).attrs);
}

type Wire = Readonly<Record<string, unknown>>;
type Bitset = AttrsOut<(typeof bitset)["fields"]>;
/** Whether a bit is on in words of the kernel's own byte order. */
function hasBit(words: Uint32Array, index: number): boolean {
  return (((words[index >> 5] ?? 0) >>> (index & 31)) & 1) === 1;
}
const wordsIn = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice(0, bytes.length & ~3).buffer);
/** A set of bits as the kernel sends it where names are asked for. */
function spelled(set: Bitset | undefined, names: ReadonlyMap<number, string> | undefined): Bitset | undefined {
  if (set?.value === undefined) return set;
  const { value, mask = value, size = 0, ...rest } = set;
  const [on, listed] = [wordsIn(value), wordsIn(mask)];
  const length = Math.min(size, 32 * listed.length);
  const indexes = Array.from({ length }, (_, index) => index).filter((index) => hasBit(listed, index));
  const bit = indexes.map((index) => ({
    index,
    name: names?.get(index) ?? `#${index}`,
    ...(hasBit(on, index) ? { value: true } : {}),
  }));
  return { ...rest, size, bits: { bit } } as Bitset;
}

/** How one setting is read. */
interface Setting<T> {
  /** Number of the message. */
  readonly number: number;
  readonly schema: AnySchema;
  read(wire: Wire, names: BitNames): T;
}
/** Attributes with their sets of bits spelled out. */
function withBits<T>(wire: Wire, names: ReadonlyMap<number, string> | undefined, ...keys: readonly string[]): T {
  return { ...wire, ...Object.fromEntries(keys.map((key) => [key, spelled(wire[key] as Bitset, names)])) } as T;
}
const grouped = <T, C>(number: number, group: Group<T, C>): Setting<T> => ({
  number,
  schema: group.schema,
  read: (wire) => groupFromWire(group, wire),
});
export const SETTINGS: { readonly [N in keyof EthtoolSettings]: Setting<EthtoolSettings[N]> } = {
  linkInfo: grouped(3, linkInfo),
  linkModes: {
    number: 5,
    schema: ethtoolLinkModes,
    read: (wire, names) => linkModesFromWire(withBits(wire, names.get(BIT_NAMES.linkModes), "ours", "peer")),
  },
  features: {
    number: 13,
    schema: ethtoolFeatures,
    read: (wire, names) =>
      decodeFeatures(withBits(wire, names.get(BIT_NAMES.features), "hw", "wanted", "active", "nochange")),
  },
  rings: grouped(17, rings),
  channels: grouped(19, channels),
  coalesce: grouped(21, coalesce),
  pause: grouped(23, pause),
};

/** A message as it came: its number, and its attributes. */
export class Notice {
  readonly number: number;
  readonly attrs: Wire;
  constructor(number: number, attrs: Wire) {
    this.number = number;
    this.attrs = attrs;
  }
}
const unknown = genericBody(attrs("ETHTOOL_A", { header: at(1, ethtoolHeader) }));
const bodies = new Map(Object.values(SETTINGS).map(({ number, schema }) => [number, genericBody(schema as never)]));
/** What the group tells: all messages have the number of the family. */
export function noticeMessage(familyId: number): Message<never, Notice> {
  const read: Message<never, Notice>["body"]["read"] = (from, start, end) => {
    const { header, attrs } = unknown.read(from, start, end);
    const known = bodies.get(header.cmd);
    return new Notice(header.cmd, (known?.read(from, start, end).attrs as Wire | undefined) ?? attrs);
  };
  return genericMessage("ETHTOOL_MSG_NTF", familyId, { ...unknown, write: () => undefined, read });
}

/** A notice in people's words. */
export function changeFromNotice({ number, attrs }: Notice, names: BitNames): EthtoolChange {
  const { header, ...rest } = attrs;
  const { devName = "", devIndex = 0 } = (header ?? {}) as { readonly devName?: string; readonly devIndex?: number };
  const about = { dev: devName, index: devIndex };
  for (const [setting, one] of Object.entries(SETTINGS))
    if (one.number === number) return { ...about, setting, value: one.read(rest, names) } as EthtoolChange;
  return { ...about, setting: `#${number}`, value: rest };
}

/** Whether the controller answered, and nobody who claims to be it. */
const isAnswer = ({ meta, reader }: Inbox): boolean => meta[META_PORT] === 0 && reader.u16[2] === GENL_ID_CTRL;
/**
 * Listens, on a socket of NETLINK_GENERIC that it takes over. The family is asked for on the calling thread, so that no
 * change is missed that is made later: the controller answers before the request returns.
 * @throws {SocketError} `ERR_OPEN` where the kernel has no such family: it came with Linux 5.6.
 */
export function listenToDevices(
  transport: Transport,
  options: Omit<MonitorOptions, "groups" | "kinds">,
): Monitor<Message<never, Notice>> {
  const out = new Writer();
  const request = { header: { cmd: CTRL_CMD_GETFAMILY, version: 1 }, attrs: { familyName: ETHTOOL_GENL_NAME } };
  writeMessage(out, getFamily, request, NLM_F_REQUEST, 1);
  const inbox = new Inbox(1);
  if (transport.send(out.finish()) > 0 && transport.receive(inbox) > 0 && isAnswer(inbox)) {
    const { attrs } = getFamily.body.read(inbox.reader, NLMSG_HDRLEN, inbox.meta[META_LENGTH] as number);
    const group = attrs.mcastGroups?.find(({ name }) => name === "monitor")?.id;
    if (attrs.familyId !== undefined && group !== undefined)
      return Monitor.over(transport, { ...options, groups: [group], kinds: [noticeMessage(attrs.familyId)] });
  }
  transport.close();
  throw new SocketError("ERR_OPEN", "this kernel does not tell changes of devices: it has no ethtool over netlink");
}

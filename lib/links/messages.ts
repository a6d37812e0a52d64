/** Configs and changes as the messages that carry them out. */
import { AF_BRIDGE } from "../families/route.ts";
import { type Command, command } from "../socket/index.ts";
import { type MessageIn, NLM_F_CREATE, NLM_F_EXCL } from "../wire/index.ts";
import type { AnyKind } from "./kind.ts";
import { fromWire, type LinkNames, merge, toWire } from "./option.ts";
import { type PortOptions, portOf, settablePortOptions } from "./ports.ts";
import { dellinkprop, newlink, newlinkprop, setlink } from "./schema.ts";
import { bitFor, commonOptions, flagWords, type Link, type LinkChanges, type LinkConfig } from "./words.ts";

type LinkMessage = MessageIn<typeof newlink>;
type Values = Readonly<Record<string, unknown>>;

/** One property of a link, as it is sent. */
export interface Step {
  /** The caller's word: `mtu`, `port.cost`. */
  readonly key: string;
  readonly command: Command;
}

/** Bytes that a bridge and its ports have when nobody says otherwise. Source: include/uapi/linux/if_ether.h (ETH_DATA_LEN) */
const ETH_DATA_LEN = 1500;

/** What Linux does not take, or not as it is meant, in the message that makes the link. */
function laterKeys(config: LinkConfig, master: string | undefined): string[] {
  const keys = ["port", "alias", "addrGenMode", "token", "carrier", "protodownReasons", "protodown", "altnames"];
  // Only a changed MTU keeps a bridge from following its ports.
  if (config.kind === "bridge") keys.push("mtu");
  // While they are made these get the MTU of what is below them.
  if (config.kind === "hsr" || config.kind === "macsec") keys.push("mtu");
  // A bond takes only links that are switched off, and switches them on.
  if (master === "bond") keys.push("up");
  const values = config as unknown as Values;
  return keys.filter((key) => values[key] !== undefined);
}

function flagsOf(values: Values): { flags?: number; change?: number } {
  let flags = 0;
  let change = 0;
  for (const word in flagWords) {
    const value = values[word];
    if (value === undefined) continue;
    const bit = flagWords[word as keyof typeof flagWords];
    change |= bit;
    if (bitFor(word, value)) flags |= bit;
  }
  return change === 0 ? {} : { flags, change };
}

/** Names of links stand for their indexes. */
const byIndex: LinkNames = { nameOf: String, indexOf: Number, fdOf: () => -1 };
/** What a link has of its kind's options as it would be asked for, but for those that are to change. */
function toldAgain(now: Link, { options }: AnyKind, changed: object): Values {
  const data = now.wire.attrs.linkinfo?.info?.data;
  if (data === undefined || data instanceof Uint8Array) return {};
  const rest = Object.entries(options).filter(([key, one]) => !one.readOnly && !one.beside && !(key in changed));
  const unknown = Object.entries(data).filter(([key]) => key.startsWith("#"));
  const told = toWire(options, fromWire(Object.fromEntries(rest), data, byIndex), byIndex);
  return { ...Object.fromEntries(unknown), ...told };
}

/** The attributes for options of a kind: those beside, and those inside IFLA_INFO_DATA. */
function kindAttrs(kind: AnyKind, values: object, names: LinkNames, now?: Link): object {
  const told = kind.whole === true && now !== undefined ? toldAgain(now, kind, values) : {};
  const data = merge({ ...told }, toWire(kind.options, values, names, now, false));
  const info = { kind: kind.kind, ...(Object.keys(data).length > 0 ? { data } : {}) };
  return { ...toWire(kind.options, values, names, now, true), linkinfo: { info } };
}

/**
 * The message that makes a link, and the words that have to be told to it afterwards, in this order. `master` is the
 * kind of its master, `linkNetnsid` the number of the namespace of the links it refers to.
 */
export function creation(
  config: LinkConfig,
  kind: AnyKind,
  names: LinkNames,
  master?: string,
  linkNetnsid?: number,
): { readonly first: Command; readonly later: LinkChanges } {
  const keys = laterKeys(config, master);
  const all: Record<string, unknown> = { ...kind.defaults?.(config), ...config };
  const later: Record<string, unknown> = {};
  // What follows should be in force before the first packet.
  if (keys.length > 0 && all["up"] === true && !keys.includes("up")) keys.push("up");
  for (const key of keys) {
    later[key] = all[key];
    delete all[key];
  }
  const attrs = {
    ...toWire(commonOptions, all, names),
    ifname: config.name,
    netNsFd: config.netns === undefined ? undefined : names.fdOf(config.netns),
    linkNetnsid,
    ...kindAttrs(kind, all, names),
  };
  const header = { ...flagsOf(all), ...(config.index !== undefined && { index: config.index }) };
  const first = command(newlink, { header, attrs } as LinkMessage, NLM_F_CREATE | NLM_F_EXCL);
  return { first, later };
}

/** It can be set on a port that is up. */
const STATE = "port.state";

/**
 * Options of the kind come before the MTU that they limit; a port's options need its bridge; until Linux 6.1 only a link
 * that is down takes another name.
 */
const ORDER = ["down", "", "protodown", "mac", "master", "port", "mtu", "name", "up"];
function place(key: string, value: unknown): number {
  const at = ORDER.indexOf(key === "up" && value === false ? "down" : key);
  return at < 0 ? ORDER.indexOf("") : at;
}

/**
 * One message for each property that differs: a refused message may be half done, and so is at most one property. What
 * is equal is left out, as the kernel refuses some attributes even then; but for the MTU of a bridge, which counts only
 * when it changes. Options of a kind are sent in the order of their declaration. `master` is the kind of the master
 * that the link will have: a bond takes only links that are switched off, and switches them on.
 */
export function changeSteps(
  now: Link,
  kind: AnyKind | undefined,
  changes: LinkChanges,
  names: LinkNames,
  master: string | undefined = now.wire.attrs.linkinfo?.slave?.kind,
): Step[] {
  const entries = Object.entries(changes).filter(([key, value]) => value !== undefined && key !== "kind");
  const declared = Object.keys(kind?.options ?? {});
  entries.sort((a, b) => place(...a) - place(...b) || declared.indexOf(a[0]) - declared.indexOf(b[0]));
  const step = (key: string, attrs: object, header: object = {}): Step => ({
    key,
    command: command(newlink, { header: { index: now.index, ...header }, attrs } as LinkMessage),
  });
  const steps = entries.flatMap(([key, value]): Step[] => {
    const only = { [key]: value };
    if (key === "port") return portSteps(now, value as PortOptions, master, names, step);
    if (key === "altnames") return altnameSteps(now, value as readonly string[]);
    if (Object.hasOwn(flagWords, key)) return now[key as "up"] === value ? [] : [step(key, {}, flagsOf(only))];
    if (key === "name") return value === now.name ? [] : [step(key, { ifname: value })];
    if (key === "mtu" && now.kind === "bridge" && value === now.mtu) {
      const other = now.mtu === ETH_DATA_LEN ? now.mtu - 1 : ETH_DATA_LEN;
      return [step(key, { mtu: other }), step(key, { mtu: value })];
    }
    if (!differs(now, key, value, kind)) return [];
    if (kind !== undefined && Object.hasOwn(kind.options, key)) return [step(key, kindAttrs(kind, only, names, now))];
    const sent = step(key, toWire(commonOptions, only, names));
    if (key !== "master" || master !== "bond" || !now.up || value === null) return [sent];
    return [step(key, {}, flagsOf({ up: false })), sent];
  });
  return [...steps.filter(({ key }) => key !== STATE), ...steps.filter(({ key }) => key === STATE)];
}

/** Whether a link has another value for an option of its own than the one wanted. */
export function differs(now: Link, key: string, value: unknown, kind: AnyKind | undefined): boolean {
  const has = now[key as "mtu"] as unknown;
  const options = Object.hasOwn(commonOptions, key) ? commonOptions : (kind?.options ?? {});
  return differsIn((options as AnyKind["options"])[key], has, value);
}
/** The same of an option of a port, too: of what is not set the kernel may tell nothing. */
export function differsIn(option: AnyKind["options"][string] | undefined, has: unknown, value: unknown): boolean {
  if (has === undefined) return option?.none === undefined || !option.equal(option.none, value);
  return option === undefined ? has !== value : !option.equal(has, value);
}

function portSteps(
  now: Link,
  port: PortOptions,
  master: string | undefined,
  names: LinkNames,
  step: (key: string, attrs: object) => Step,
): Step[] {
  const has = (now.port ?? {}) as Values;
  const options = portOf(master)?.options ?? {};
  return Object.entries(port).flatMap(([key, value]) => {
    if (value === undefined || !differsIn(options[key], has[key], value)) return [];
    const data = toWire(options, { [key]: value }, names);
    if (`port.${key}` === STATE) return [stateStep(now, data)];
    return [step(`port.${key}`, { linkinfo: { slave: { kind: master, data } } })];
  });
}

/** The usual message also tells everybody that the link changed, at which a bridge switches a disabled port on again. */
function stateStep(now: Link, protinfo: object): Step {
  const value = { header: { family: AF_BRIDGE, index: now.index }, attrs: { protinfo } } as LinkMessage;
  return { key: STATE, command: command(setlink, value) };
}

function altnameSteps(now: Link, wanted: readonly string[]): Step[] {
  const has = now.altnames ?? [];
  const part = (message: typeof newlinkprop, names: readonly string[], flags: number): Step[] => {
    if (names.length === 0) return [];
    const value: LinkMessage = { header: { index: now.index }, attrs: { propList: { altIfname: names } } };
    return [{ key: "altnames", command: command(message, value, flags) }];
  };
  return [
    ...part(
      dellinkprop,
      has.filter((name) => !wanted.includes(name)),
      0,
    ),
    ...part(
      newlinkprop,
      wanted.filter((name) => !has.includes(name)),
      NLM_F_CREATE | NLM_F_EXCL,
    ),
  ];
}

/** Names of other links that a config refers to, each with the word that does. */
export function references(
  kind: AnyKind | undefined,
  config: object,
): { readonly key: string; readonly name: string }[] {
  const values = config as unknown as Values;
  const refers = (options: AnyKind["options"], from: Values, prefix = "") =>
    Object.entries(options).flatMap(([key, { refers }]) => {
      const name = from[key];
      return refers !== false && typeof name === "string" ? [{ key: prefix + key, name }] : [];
    });
  const master = values["master"];
  return [
    ...(typeof master === "string" ? [{ key: "master", name: master }] : []),
    ...refers(kind?.options ?? {}, values),
    ...refers(settablePortOptions, (values["port"] ?? {}) as Values, "port."),
  ];
}

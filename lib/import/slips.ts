/** What is amiss with a host as its commands make it, and what the document does about it. */
import { BlockList, isIP } from "node:net";
import { interfaceOf } from "../state/observed.ts";
import type { Line } from "./lexer.ts";
import type { HostModel, LinkModel } from "./model.ts";

/** The kernel's own default, which is not the registered port. */
const OLD_VXLAN_PORT = 8472;

const lines = (numbers: Iterable<number>): string => {
  const all = [...new Set(numbers)].sort((a, b) => a - b);
  const spans: string[] = [];
  for (let i = 0; i < all.length; ) {
    let end = i;
    while (all[end + 1] === (all[end] ?? 0) + 1) end++;
    spans.push(end > i ? `${all[i]}–${all[end]}` : String(all[i]));
    i = end + 1;
  }
  return `line${all.length === 1 ? "" : "s"} ${spans.join(", ")}`;
};

/** What people said of the host besides the commands. */
export interface Hints {
  readonly vnis: readonly { readonly vni: number; readonly line: number }[];
  readonly bridges: readonly { readonly name: string; readonly line: number }[];
}

/** Looks through prose for what the commands can be held against. */
export function hintsIn(prose: readonly Line[]): Hints {
  const vnis = prose.flatMap(({ text, number }) =>
    [...text.matchAll(/\bVNI\b[\s:=`*]*(?:is|of|=)?[\s:=`*]*(\d{1,8})\b/gi)].map(([, vni]) => ({
      vni: Number(vni),
      line: number,
    })),
  );
  const bridges = prose.flatMap(({ text, number }) =>
    [...text.matchAll(/\bbridge\b[^`\n.]{0,40}`([\w.-]{1,15})`/gi)].map(([, name = ""]) => ({ name, line: number })),
  );
  return { vnis, bridges };
}

const isMade = (link: LinkModel | undefined): boolean => link?.kind !== undefined && link.deleted === undefined;

/** Where a link is named, a sysctl of it included. */
function usesOf(model: HostModel, name: string): number[] {
  const sysctls = [...model.sysctls.values()].filter(({ key }) => interfaceOf(key) === name).map(({ line }) => line);
  return [...model.uses.filter((use) => use.name === name).map(({ line }) => line), ...sysctls];
}

/** A link that is deleted and then used was deleted by a line that was not meant for this run. */
function deletions(model: HostModel): void {
  for (const link of [...model.links.values()]) {
    const { deleted, moved, name } = link;
    if (deleted === undefined || moved === true) continue;
    const later = usesOf(model, name).filter((line) => line > deleted);
    if (later.length > 0) {
      link.deleted = undefined;
      if (link.up === false) link.up = true;
      model.findings.say(
        "warning",
        deleted,
        `${name} is deleted here, and used later by ${lines(later)}`,
        "the deletion is left out; take the line away",
      );
    } else
      model.findings.say(
        "note",
        deleted,
        `${name} is made at line ${link.line} and deleted here, so that it is not in the document`,
      );
  }
}

/** Names that may be the bridge that was meant. */
function candidates(model: HostModel, hints: Hints, missing: string): string[] {
  const masters = new Set([...model.links.values()].map(({ options }) => options["master"]));
  const idle = [...model.links.values()].filter(
    (link) => isMade(link) && link.kind === "bridge" && !masters.has(link.name),
  );
  if (idle.length > 0) return idle.map(({ name }) => name);
  const below = new Set(model.uses.filter(({ as }) => as === "dev").map(({ name }) => name));
  const outside = new Set(model.nat.map(({ words }) => words["out"]));
  const spoken = [
    ...model.uses.filter(({ as }) => as === "rule").map(({ name }) => name),
    ...[...model.sysctls.keys()].flatMap((key) => interfaceOf(key) ?? []),
    ...hints.bridges.map(({ name }) => name),
  ];
  return [...new Set(spoken)].filter(
    (name) =>
      name !== missing &&
      !below.has(name) &&
      !outside.has(name) &&
      !masters.has(name) &&
      !isMade(model.links.get(name)),
  );
}

/** Bridges that no line makes: taken for another one where only one can be meant, and made. */
function masters(model: HostModel, hints: Hints): void {
  const ports = [...model.links.values()].filter(({ options }) => typeof options["master"] === "string");
  for (const missing of new Set(ports.map(({ options }) => String(options["master"])))) {
    if (isMade(model.links.get(missing))) continue;
    const [meant, ...more] = candidates(model, hints, missing);
    const its = ports.filter(({ options }) => options["master"] === missing);
    const used = model.uses.filter((use) => use.as === "master" && use.name === missing).map(({ line }) => line);
    const [line = its[0]?.line ?? 1] = used;
    const who = its.map(({ name }) => name).join(", ");
    if (meant !== undefined && more.length === 0) {
      const spoken = usesOf(model, meant);
      const other =
        spoken.length > 0 ? `${lines(spoken)} ${spoken.length === 1 ? "speaks" : "speak"}` : "the text speaks";
      model.findings.say(
        "error",
        line,
        `${who} is put into ${missing}, which no line makes; ${other} of ${meant}`,
        `the document takes ${meant} for both; write master ${meant}`,
      );
      for (const { options } of its) options["master"] = meant;
      model.remarks.push({ link: meant, text: `Line ${line} says ${missing}, which no line makes.` });
      makeBridge(model, meant, line);
    } else makeBridge(model, missing, line);
  }
}

function makeBridge(model: HostModel, name: string, line: number): void {
  if (isMade(model.links.get(name))) return;
  model.findings.say(
    "warning",
    line,
    `no line makes the bridge ${name}`,
    `the document makes it; write ip link add ${name} type bridge, and ip link set ${name} up`,
  );
  const link = model.link(name, line);
  link.kind = "bridge";
  link.deleted = undefined;
  link.up ??= true;
}

function switches(model: HostModel): void {
  for (const { name, kind, line, up, madeBy, deleted } of model.links.values()) {
    if (deleted !== undefined || up !== undefined || (kind === undefined && madeBy === undefined)) continue;
    model.findings.say(
      "warning",
      line,
      `${name} is made and never set up`,
      `the document sets it up; write ip link set ${name} up`,
    );
  }
}

function ports(model: HostModel): void {
  for (const { name, kind, line, options, deleted } of model.links.values()) {
    if (kind !== "vxlan" || deleted !== undefined || options["dstport"] !== undefined) continue;
    options["dstport"] = OLD_VXLAN_PORT;
    model.findings.say(
      "warning",
      line,
      `${name} has no dstport: the kernel then takes ${OLD_VXLAN_PORT}, and not 4789, the registered port of VXLAN`,
      `the document says ${OLD_VXLAN_PORT}, as the other ends do when they are made like this; write dstport 4789 on all of them`,
    );
  }
}

function sysctls(model: HostModel): void {
  const early = new Map<string, number[]>();
  for (const { key, line, kept } of model.sysctls.values()) {
    const name = interfaceOf(key);
    const link = name === undefined ? undefined : model.links.get(name);
    if (name === undefined || link === undefined || !isMade(link)) continue;
    if (kept) early.set(name, [...(early.get(name) ?? []), line]);
    else if (line < link.line)
      model.findings.say(
        "error",
        line,
        `${key} is set before line ${link.line} makes ${name}: it does not exist yet`,
        "the document sets it after that; move this line down",
      );
  }
  if (early.size === 0) return;
  const names = [...early.keys()].join(", ");
  model.findings.say(
    "warning",
    Math.min(...[...early.values()].flat()),
    `at boot this file is read before there is ${names}: ${lines([...early.values()].flat())} then ${[...early.values()].flat().length === 1 ? "has" : "have"} no effect`,
    "the document sets them once the links are there",
  );
}

function reboot(model: HostModel): void {
  const kept = new Set([...model.sysctls.values()].filter((one) => one.kept).map(({ line }) => line));
  for (const [what, numbers] of model.lost) {
    const left = numbers.filter((line) => !kept.has(line));
    const [first] = left;
    if (first !== undefined)
      model.findings.say(
        "note",
        first,
        `${what} of ${lines(left)} are gone after a reboot`,
        "apply the document at boot",
      );
  }
}

function prose(model: HostModel, hints: Hints): void {
  const vxlans = [...model.links.values()].filter((link) => isMade(link) && typeof link.options["vni"] === "number");
  for (const { vni, line } of hints.vnis) {
    if (vxlans.length === 0 || vxlans.some(({ options }) => options["vni"] === vni)) continue;
    const [first] = vxlans;
    model.findings.say(
      "warning",
      line,
      `the text says VNI ${vni}, and line ${first?.line} makes ${first?.name} with ${String(first?.options["vni"])}`,
      "the document takes that of the command; both ends need the same",
    );
  }
}

function forwarding(model: HostModel): void {
  const [first] = [...model.nat, ...model.forward];
  const on = ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding"];
  if (first === undefined || on.some((key) => model.sysctls.get(key)?.value === "1")) return;
  model.findings.say(
    "warning",
    first.line,
    "packets are to be forwarded, and no line switches forwarding on",
    "write sysctl -w net.ipv4.ip_forward=1, unless it is on already",
  );
}

/** Whether an address is in a network; of families that differ it is not. */
function isWithin(address: string, prefix: string): boolean {
  const [host = "", length = ""] = prefix.split("/");
  const family = host.includes(":") ? "ipv6" : "ipv4";
  if (isIP(host) === 0 || address.includes(":") !== host.includes(":") || isIP(address) === 0) return false;
  const list = new BlockList();
  list.addSubnet(host, length === "" ? (family === "ipv6" ? 128 : 32) : Number(length), family);
  return list.check(address, family);
}

/** Guests of a network that is masqueraded have this host for a gateway: it needs an address there. */
function gateways(model: HostModel): void {
  const addresses = [...model.links.values()].flatMap((link) =>
    link.addresses.map(({ words }) => String(words["address"]).split("/")[0] ?? ""),
  );
  for (const { line, words } of model.nat) {
    const network = String(words["masquerade"]);
    if (network === "default" || addresses.some((address) => isWithin(address, network))) continue;
    const rule = model.forward.find((one) => one.words["out"] === words["out"]);
    const on = rule === undefined ? undefined : String(rule.words["in"]);
    model.findings.say(
      "warning",
      line,
      `no line gives ${on ?? "a link"} an address in ${network}, which its guests need as a gateway`,
      `add it to the document: addresses: [ … ]`,
    );
    if (on !== undefined)
      model.remarks.push({
        link: on,
        text: `Its address in ${network}, the guests' gateway, stands in no line: addresses: [ … ]`,
      });
  }
}

/** Finds slips, and mends those that have one cure only. */
export function findSlips(model: HostModel, hints: Hints): void {
  deletions(model);
  masters(model, hints);
  switches(model);
  ports(model);
  sysctls(model);
  prose(model, hints);
  forwarding(model);
  gateways(model);
  reboot(model);
}

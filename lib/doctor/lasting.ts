/** What a machine has written down about its links, by whoever configures them when it starts. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../host.ts";
import { detectVersion, VersionError } from "../systemd/version.ts";

/** What is written down. */
export interface Lasting {
  /** Files by the link that they speak of, of those that outlast a reboot. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  /** Links that systemd-networkd makes. */
  readonly made: readonly string[];
  /** The file that systemd-networkd manages a link by. */
  readonly networkd: Readonly<Record<string, string>>;
  /** Links that NetworkManager manages and did not make, and does not merely look on at. */
  readonly networkManager: readonly string[];
  /** /etc/machine-id; absent where there is none. */
  readonly machineId?: string;
  /** Files of systemd-networkd with a setting that its version does not know any more. */
  readonly ignored: readonly { readonly file: string; readonly line: string; readonly families: readonly (4 | 6)[] }[];
}

/** Where configurations of links are kept, by whom. */
const PLACES = [
  "etc/systemd/network",
  "run/systemd/network",
  "usr/lib/systemd/network",
  "etc/systemd/system",
  "etc/linkwright",
  "etc/network",
  "etc/network/interfaces.d",
  "etc/netplan",
  "etc/NetworkManager/system-connections",
  "etc/sysconfig/network-scripts",
];
/** Directories beside a file of systemd-networkd with more of it. */
const MORE = ".network.d";
/** What configures a network: such a file, or what is in such a directory. */
const NETWORK = /\.network$|\.network\.d\/[^/]+\.conf$/;
/** systemd-networkd's own word on each link. */
const STATES = "run/systemd/netif/links";
/** NetworkManager's own word on each link, and where it keeps what it wrote of links that others configured. */
const DEVICES = "run/NetworkManager/devices";
const TOLD = "run/NetworkManager/system-connections";
const MACHINE_ID = "etc/machine-id";
/** The version from which `IPForward=` is not heeded. */
const WITHOUT_IPFORWARD = 256;
const BOTH = [4, 6] as const;
/** What it switched on, by its value. */
const FORWARDED: Readonly<Record<string, readonly (4 | 6)[]>> = {
  ...{ yes: BOTH, true: BOTH, on: BOTH, 1: BOTH },
  ...{ ipv4: [4], ipv6: [6] },
};

function contentsIn(root: string, place: string): { file: string; content: string }[] {
  const names = listed(join(root, place));
  return names.flatMap((name) => {
    const content = contentOf(join(root, place, name));
    return content === undefined ? [] : [{ file: `/${place}/${name}`, content }];
  });
}
function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // a directory, or for other eyes
  }
}

/** Whether a text speaks of a link by its whole name. */
function speaksOf(content: string, name: string): boolean {
  const at = content.indexOf(name);
  if (at < 0) return false;
  const around = (content[at - 1] ?? " ") + (content[at + name.length] ?? " ");
  return !/[\w.-]/.test(around) || speaksOf(content.slice(at + 1), name);
}

const isTrue = (content: string, key: string): boolean => new RegExp(`^${key}=(true|1)$`, "m").test(content);

/**
 * Whether NetworkManager's word on a link is that it manages what it did not make. Of what others configured it keeps a
 * profile that only describes it, and touches nothing.
 */
function isTakenOver(root: string, index: number, profiles: ReturnType<typeof contentsIn>): boolean {
  const state = contentOf(join(root, DEVICES, String(index))) ?? "";
  if (!isTrue(state, "managed") || isTrue(state, "nm-owned")) return false;
  const uuid = /^connection-uuid=(.+)$/m.exec(state)?.[1];
  const profile = profiles.find(({ content }) => uuid !== undefined && content.includes(`uuid=${uuid}`));
  return profile === undefined || !(isTrue(profile.content, "external") || isTrue(profile.content, "volatile"));
}

/** What is written below `root` about links with these names and numbers. `version` is that of systemd. */
export function readLasting(
  root: string,
  links: readonly { readonly name: string; readonly index: number }[],
  version: () => number,
): Lasting {
  const beside = PLACES.flatMap((place) =>
    listed(join(root, place)).flatMap((name) => (name.endsWith(MORE) ? [`${place}/${name}`] : [])),
  );
  const all = [...PLACES, ...beside].flatMap((place) => contentsIn(root, place));
  const states = links.map(({ name, index }) => [name, contentOf(join(root, STATES, String(index)))] as const);
  const networkd = states.flatMap(([name, state]) => {
    const file = /^NETWORK_FILE=(.+)$/m.exec(state ?? "")?.[1];
    return file === undefined || /^ADMIN_STATE=unmanaged$/m.test(state ?? "") ? [] : [[name, file]];
  });
  const old = all.flatMap(({ file, content }) => {
    const [line, value = ""] = (NETWORK.test(file) && /^[ \t]*IPForward[ \t]*=(.*)$/m.exec(content)) || [];
    const families = FORWARDED[value.trim().toLowerCase()];
    return line === undefined || families === undefined ? [] : [{ file, line: line.trim(), families }];
  });
  const profiles = contentsIn(root, TOLD);
  const machineId = contentOf(join(root, MACHINE_ID))?.trim();
  const about = (name: string): string[] =>
    all.filter(({ content }) => speaksOf(content, name)).map(({ file }) => file);
  return {
    files: Object.fromEntries(links.map(({ name }) => [name, about(name).filter((file) => !file.startsWith("/run/"))])),
    made: links.flatMap(({ name }) => (about(name).some((file) => file.endsWith(".netdev")) ? [name] : [])),
    networkd: Object.fromEntries(networkd),
    networkManager: links.flatMap(({ name, index }) => (isTakenOver(root, index, profiles) ? [name] : [])),
    ...(machineId !== undefined && { machineId }),
    ignored: old.length > 0 && version() >= WITHOUT_IPFORWARD ? old : [],
  };
}

/** Where a machine keeps the library whose name has systemd's version in it. */
const LIBRARIES = ["usr/lib", "usr/lib64", "lib"];

/** The version of systemd below a directory, by the name of its library; 0 where it has none. */
function versionIn(root: string): number {
  const near = LIBRARIES.flatMap((place) => [place, ...listed(join(root, place)).map((one) => `${place}/${one}`)]);
  const names = near.flatMap((place) => listed(join(root, place, "systemd")));
  return Math.max(0, ...names.map((name) => Number(/^libsystemd-shared-(\d+)/.exec(name)?.[1] ?? 0)));
}

function versionHere(): number {
  try {
    return detectVersion();
  } catch (error) {
    if (error instanceof VersionError) return 0;
    throw error;
  }
}

/**
 * The same of the machine whose files are below `root`, or of this one; without `root` undefined for a host that is a
 * namespace of it: what starts with the machine is not for it.
 */
export function lastingOf(
  { netns }: Host,
  links: Parameters<typeof readLasting>[1],
  root: string | undefined,
): Lasting | undefined {
  if (root !== undefined) return readLasting(root, links, () => versionIn(root));
  try {
    if (readlinkSync("/proc/1/ns/net") !== `net:[${netns.identity.inode}]`) return undefined;
  } catch {
    return undefined; // only root is told
  }
  return readLasting("/", links, versionHere);
}

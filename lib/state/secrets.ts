/**
 * Keys, which plans and journals only refer to: by the file that the document names, or by what is known of a key that
 * is replaced. The keys themselves are in memory, and where a directory is given, in files of it that only their owner
 * may read, for a process that goes back after this one.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir, readFile, unlink } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Host } from "../host.ts";
import { formatKey } from "../sysctl/key.ts";
import { key, wireguardPublicKey } from "../wireguard/keys.ts";
import type { WireguardConfig } from "../wireguard/words.ts";
import type { Request, Words } from "./step.ts";

/** A key in a plan: the one in a file, which has to be this one, or the one that was there before. */
export type SecretRef = { readonly file: string; readonly id: string } | { readonly held: string };
type Kind = "private" | "preshared";

/** The sysctl with the secret that a link's IPv6 addresses are made of. */
export const secretKey = (link: string): string => formatKey(["net", "ipv6", "conf", link, "stable_secret"]);
/** Such a secret in a plan. People choose some of them, so that not even a digest of them is told. */
const heldSecret = (link: string): string => `stable_secret of ${link}`;
/** Gives a link that was made again its secret back, held as long as the link was gone. */
export const secretAgain = (link: string): Request => ({
  object: "sysctl",
  verb: "restore",
  words: { secretOf: link },
});

/** A secret that stands in the document itself, on its way to the kernel: wherever it is written or shown it is none. */
export class Hidden {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toJSON(): object {
    return {};
  }
}

/** What is told of a key: the public key that belongs to it, or a digest from which 32 random bytes cannot be found. */
export function idOf(kind: Kind, secret: string): string {
  if (kind === "private") return wireguardPublicKey(secret);
  return `sha256:${createHash("sha256").update(Buffer.from(secret, "base64")).digest("hex").slice(0, 32)}`;
}

/** A key file that cannot be used; it shows nothing of what is in it. */
export class SecretError extends Error {
  override readonly name = "SecretError";
  readonly code = "ERR_SECRET";
}

/** The key in a file, as `wg genkey` writes it. @throws {SecretError} */
export async function readKey(file: string): Promise<string> {
  let text: string;
  try {
    // A key has 44 characters: what is longer is another file.
    text = (await readFile(file, { encoding: "latin1" })).slice(0, 100).trim();
  } catch (cause) {
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EACCES: "it is not readable for this user",
      EISDIR: "it is a directory",
    };
    const { code } = cause as NodeJS.ErrnoException;
    throw new SecretError(`cannot read the key in ${file}: ${reasons[code ?? ""] ?? code ?? "unreadable"}`);
  }
  if (!key.accepts(text)) throw new SecretError(`${file} holds no key; expected ${key.expected}`);
  return text;
}

const isRef = (value: unknown): value is SecretRef => typeof value === "object" && value !== null;
const nameOf = (id: string): string => `held-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;

/** The keys of a config by their references. */
function refsOf(config: Words): { readonly kind: Kind; readonly ref: SecretRef }[] {
  const peers = (config["peers"] ?? []) as readonly Words[];
  const all = [
    { kind: "private" as const, ref: config["privateKey"] },
    ...peers.map((peer) => ({ kind: "preshared" as const, ref: peer["presharedKey"] })),
  ];
  return all.filter((one): one is { kind: Kind; ref: SecretRef } => isRef(one.ref));
}

/** The keys that a plan refers to. */
export class Secrets {
  readonly #held = new Map<string, string>();
  readonly #directory: string | undefined;

  /** Without a directory, keys that are replaced are known to this object alone. */
  constructor(directory?: string) {
    this.#directory = directory;
  }

  /** Keeps the keys that requests will put back, as long as they are there. */
  async hold(host: Host, requests: readonly Request[]): Promise<void> {
    for (const { object, words } of requests) {
      if (object === "sysctl") await this.#holdSecret(host, words["secretOf"]);
      if (object !== "wireguard") continue;
      const wanted = refsOf(words["config"] as Words).flatMap(({ ref }) => ("held" in ref ? [ref.held] : []));
      if (wanted.every((id) => this.#held.has(id))) continue;
      const device = await host.wireguard.get(String(words["name"]));
      if (device?.privateKey !== undefined) await this.#keep(idOf("private", device.privateKey), device.privateKey);
      for (const { presharedKey } of device?.peers ?? [])
        if (presharedKey !== undefined) await this.#keep(idOf("preshared", presharedKey), presharedKey);
    }
  }

  async #holdSecret({ sysctls }: Host, link: unknown): Promise<void> {
    if (typeof link !== "string") return;
    // It is gone already, or has none yet: what was read before counts.
    const value = await sysctls.get(secretKey(link)).catch(() => undefined);
    if (value !== undefined) await this.#keep(heldSecret(link), value);
  }

  /** Gives a link its secret back. @throws {SecretError} where it was not kept. */
  async giveBack({ sysctls }: Host, link: string): Promise<void> {
    const id = heldSecret(link);
    const kept = this.#directory === undefined ? undefined : join(this.#directory, nameOf(id));
    const read = kept === undefined ? undefined : readFile(kept, "latin1").catch(() => undefined);
    const value = this.#held.get(id) ?? (await read);
    if (value === undefined || !isIPv6(value))
      throw new SecretError(`the former ${id} was not kept; set it by hand: sysctl -w ${secretKey(link)}=SECRET`);
    await sysctls.restore([{ key: secretKey(link), value }]);
  }

  async #keep(id: string, secret: string): Promise<void> {
    this.#held.set(id, secret);
    if (this.#directory === undefined) return;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const file = await open(join(this.#directory, nameOf(id)), flags, 0o600);
    try {
      await file.writeFile(secret);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #secret(kind: Kind, ref: SecretRef): Promise<string> {
    if ("file" in ref) {
      const secret = await readKey(ref.file);
      if (idOf(kind, secret) === ref.id) return secret;
      throw new SecretError(`${ref.file} holds another key than when the plan was made; plan again`);
    }
    const held = this.#held.get(ref.held);
    if (held !== undefined) return held;
    const kept = this.#directory === undefined ? undefined : join(this.#directory, nameOf(ref.held));
    const secret = kept === undefined ? undefined : await readKey(kept).catch(() => undefined);
    if (secret !== undefined && idOf(kind, secret) === ref.held) return secret;
    throw new SecretError(`the former ${kind} key ${ref.held} was not kept; set it by hand: wg set`);
  }

  /** A config of WireGuard with its keys. @throws {SecretError} */
  async resolve(config: Words): Promise<WireguardConfig> {
    const secretOf = async (kind: Kind, value: unknown): Promise<unknown> =>
      isRef(value) ? await this.#secret(kind, value) : value;
    const { peers, privateKey, ...rest } = config as { peers?: readonly Words[]; privateKey?: unknown };
    const resolved = peers?.map(async ({ presharedKey, ...peer }) => ({
      ...peer,
      presharedKey: await secretOf("preshared", presharedKey),
    }));
    return {
      ...rest,
      privateKey: await secretOf("private", privateKey),
      ...(resolved !== undefined && { peers: await Promise.all(resolved) }),
    } as object as WireguardConfig;
  }

  /** Forgets all keys, also those in files. */
  async forget(): Promise<void> {
    this.#held.clear();
    if (this.#directory === undefined) return;
    const names = await readdir(this.#directory).catch(() => []);
    for (const name of names) if (/^held-[0-9a-f]{32}$/.test(name)) await unlink(join(this.#directory, name));
  }
}

const memories = new WeakMap<Host, Secrets>();
/** What is known of a host's former keys in this process. */
export function secretsOf(host: Host): Secrets {
  const known = memories.get(host) ?? new Secrets();
  memories.set(host, known);
  return known;
}

/** Sysctls of a network namespace. */

import { loadBinding } from "../../native-bindings/index.ts";
import { errnoName } from "../socket/errors.ts";
import { alsoWrites, combine } from "./effect.ts";
import { SysctlError } from "./error.ts";
import { formatKey, parseKey, type SysctlKey } from "./key.ts";
import { explainMissing } from "./missing.ts";
import { checkValue, normalizeValue } from "./range.ts";

/** A value to go back to. */
export interface SavedSysctl {
  /** As `Sysctls.list` writes it. */
  readonly key: string;
  readonly value: string;
}

/** What `Sysctls.restore` did. */
export interface Restoration {
  readonly restored: readonly string[];
  /** Keys that are gone by now, as those of an interface that was deleted. */
  readonly vanished: readonly string[];
}

/** Bytes of the longest value: net.ipv4.ip_local_reserved_ports with every other port in it. */
const LONGEST = 262_144;

const fileOf = (path: readonly string[]): string => ["/proc/sys", ...path].join("/");

/** The sysctls of one network namespace. Each call enters the namespace on a thread of its own for its one file. */
export class Sysctls {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(LONGEST);

  /** `nsFd` is the descriptor of the namespace, -1 for the caller's; it stays the caller's to close. */
  constructor(nsFd: number) {
    this.#fd = nsFd;
  }

  /** The value, without white space around it. Same as: sysctl -n KEY */
  async get(key: SysctlKey): Promise<string> {
    const path = parseKey(key);
    return this.#read(path, "cannot read");
  }

  /**
   * Writes a value, reads it back, and returns what was read. Values that mean nothing are refused before the kernel
   * is asked. Same as: sysctl -w KEY=VALUE
   *
   * @throws {SysctlError} with code ERR_SYSCTL_DRIFT, and `actual`, where the kernel has another value afterwards.
   */
  async set(key: SysctlKey, value: string | number): Promise<string> {
    const path = parseKey(key);
    const text = checkValue(path, value);
    this.#check(path, loadBinding().nsWrite(this.#fd, fileOf(path), Buffer.from(`${text}\n`)), "cannot set", text);
    const length = loadBinding().nsRead(this.#fd, fileOf(path), this.#buffer);
    if (length < 0) return text; // made to be written only, as net.ipv4.route.flush
    const actual = this.#text(length);
    if (normalizeValue(actual) === normalizeValue(text)) return actual;
    const reason = `the kernel took ${JSON.stringify(text)} and has ${JSON.stringify(actual)}`;
    throw new SysctlError(formatKey(path), "ERR_SYSCTL_DRIFT", reason, { actual });
  }

  /** All keys below a prefix, sorted; of a key itself, that key. Same as: sysctl -N -a -r '^PREFIX' */
  async list(prefix: SysctlKey = "net"): Promise<string[]> {
    const path = parseKey(prefix);
    const names = loadBinding().nsList(this.#fd, fileOf(path));
    if (typeof names === "number" && errnoName(names) === "ENOTDIR") return [formatKey(path)];
    if (typeof names === "number") this.#check(path, names, "cannot list");
    return this.#walk(path).sort();
  }

  /**
   * The values of these keys, and of those that a write to one of them rewrites too (net.ipv4.ip_forward rewrites
   * forwarding of every interface), in the order in which they have to be restored.
   */
  async snapshot(keys: Iterable<SysctlKey>): Promise<SavedSysctl[]> {
    const triggers: string[] = [];
    const paths = new Map<string, readonly string[]>();
    for (const key of keys) {
      const path = parseKey(key);
      paths.set(formatKey(path), path);
      const also = alsoWrites(path).flatMap((pattern) => this.#instances(pattern));
      if (also.length > 0) triggers.push(formatKey(path));
      for (const other of also) paths.set(formatKey(other), other);
    }
    // A restored trigger overwrites the rest once more: it has to come first. `default` and `all` are triggers too.
    const first = (key: string): number => (triggers.includes(key) ? 0 : /\.(all|default)\./.test(key) ? 1 : 2);
    return [...paths]
      .sort(([a], [b]) => first(a) - first(b))
      .map(([key, path]) => ({ key, value: this.#read(path, "cannot save") }));
  }

  /** Puts values of a snapshot back; only those that differ are written. */
  async restore(saved: Iterable<SavedSysctl>): Promise<Restoration> {
    const restored: string[] = [];
    const vanished: string[] = [];
    for (const { key, value } of saved) {
      try {
        if (normalizeValue(await this.get(key)) === normalizeValue(value)) continue;
        // What was there before may be outside of our ranges, and is put back all the same.
        const path = parseKey(key);
        this.#check(path, loadBinding().nsWrite(this.#fd, fileOf(path), Buffer.from(`${value}\n`)), "cannot restore");
        restored.push(key);
      } catch (error) {
        if (!(error instanceof SysctlError) || error.code !== "ENOENT") throw error;
        vanished.push(key);
      }
    }
    return { restored, vanished };
  }

  /**
   * The value in force for an interface and a setting of net.ipv4.conf, which the kernel makes of `all` and of the
   * interface's own: rp_filter is the greater of both.
   */
  async inForce(interfaceName: string, setting: string): Promise<number> {
    const read = async (scope: string, name: string): Promise<number> =>
      Number(await this.get(["net", "ipv4", "conf", scope, name]));
    const forwards = setting === "accept_redirects" && (await read(interfaceName, "forwarding")) !== 0;
    return combine(setting, await read("all", setting), await read(interfaceName, setting), forwards);
  }

  #read(path: readonly string[], doing: string): string {
    return this.#text(this.#check(path, loadBinding().nsRead(this.#fd, fileOf(path), this.#buffer), doing));
  }

  #text(length: number): string {
    return Buffer.from(this.#buffer.subarray(0, length)).toString("utf8").trim();
  }

  #walk(path: readonly string[]): string[] {
    const names = loadBinding().nsList(this.#fd, fileOf(path));
    if (typeof names === "number") return errnoName(names) === "ENOTDIR" ? [formatKey(path)] : [];
    return names.flatMap((name) => this.#walk([...path, name]));
  }

  /** A path for each interface, where the pattern has `*`. */
  #instances(pattern: readonly string[]): (readonly string[])[] {
    const star = pattern.indexOf("*");
    if (star < 0) return [pattern];
    return (this.#names(pattern.slice(0, star)) ?? []).map((name) => pattern.with(star, name));
  }

  #names(group: readonly string[]): string[] | undefined {
    const names = loadBinding().nsList(this.#fd, fileOf(group));
    return typeof names === "number" ? undefined : names;
  }

  #check(path: readonly string[], result: number, doing: string, value?: string): number {
    if (result >= 0) return result;
    const code = errnoName(result);
    const key = formatKey(path);
    if (code === "ENOENT" && this.#names(path.slice(0, -1))?.includes(path.at(-1) ?? "")) {
      const reason = `the kernel does not know ${JSON.stringify(value ?? "")}`;
      throw new SysctlError(key, "EINVAL", reason, { errno: result, doing });
    }
    if (code === "ENOENT") {
      const { what, reason } = explainMissing(path, (group) => this.#names(group));
      throw new SysctlError(key, code, reason, { errno: result, missing: what, doing });
    }
    const reasons: Readonly<Record<string, string>> = {
      EACCES: "not readable or not writable for this process, or fixed in this namespace",
      EPERM: "it takes CAP_NET_ADMIN over the namespace",
      EINVAL: value === undefined ? "the kernel refused" : `the kernel refused ${JSON.stringify(value)}`,
      EISDIR: "it is a group of sysctls, not one",
      EBADF: "the namespace was closed already",
      EIO: "it has no value yet",
      ERANGE: `the kernel refused ${JSON.stringify(value)} as out of range`,
    };
    const reason = this.#names(path) === undefined ? reasons[code] : reasons["EISDIR"];
    throw new SysctlError(key, code, reason ?? "the kernel refused", { errno: result, doing });
  }
}

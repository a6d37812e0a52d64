/** Sysctls of a network namespace. */

import { loadBinding } from "../../native-bindings/index.ts";
import { errnoName } from "../socket/errors.ts";
import { alsoWrites, combine, standsFor } from "./effect.ts";
import { SysctlError } from "./error.ts";
import { formatKey, parseKey, type SysctlKey } from "./key.ts";
import { explainMissing } from "./missing.ts";
import { checkValue, normalizeValue } from "./range.ts";
import { isSecret, shownValue } from "./secret.ts";

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

/** @throws {SysctlError} for what is no list; a text is one of letters, which nobody means. */
function listOf<T>(values: Iterable<T>, method: string, expected: string, accepts: (value: T) => boolean): T[] {
  const list = typeof values === "object" && values !== null && Symbol.iterator in values ? [...values] : undefined;
  if (list?.every(accepts)) return list;
  throw new SysctlError(method, "ERR_SYSCTL_KEY", `expected ${expected}`, { doing: "cannot use" });
}
const isSaved = (one: SavedSysctl | null | undefined): boolean =>
  typeof one?.key === "string" && typeof one.value === "string";

const fileOf = (path: readonly string[]): string => ["/proc/sys", ...path].join("/");

/**
 * The sysctls of one network namespace. Each file is read or written on a thread that enters the namespace: the event
 * loop never waits for the kernel. Calls of `set` and `restore` take effect in the order in which they were made.
 */
export class Sysctls {
  readonly #fd: number;
  /** Of all reads: it is filled immediately before the answer is taken out of it. */
  readonly #buffer = new Uint8Array(LONGEST);
  /** Settles when the last of the changes so far is over. */
  #changed: Promise<unknown> = Promise.resolve();

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
   * @throws {SysctlError} with code ERR_SYSCTL_DRIFT, and `actual`, where the kernel has another value afterwards; of a
   * secret nothing is told.
   */
  async set(key: SysctlKey, value: string | number): Promise<string> {
    const path = parseKey(key);
    const text = checkValue(path, value);
    const actual = await this.#inTurn(async () => {
      await this.#write(path, text, "cannot set", text);
      return await this.#ask(path);
    });
    if (typeof actual === "number") return text; // made to be written only, as net.ipv4.route.flush
    if (normalizeValue(actual) === normalizeValue(text)) return actual;
    if (isSecret(path)) throw new SysctlError(formatKey(path), "ERR_SYSCTL_DRIFT", "the kernel has another secret");
    const reason = `the kernel took ${JSON.stringify(text)} and has ${JSON.stringify(actual)}`;
    throw new SysctlError(formatKey(path), "ERR_SYSCTL_DRIFT", reason, { actual });
  }

  /** All keys below a prefix, sorted; of a key itself, that key. Same as: sysctl -N -a -r '^PREFIX' */
  async list(prefix: SysctlKey = "net"): Promise<string[]> {
    const path = parseKey(prefix);
    const names = await this.#names(path);
    if (typeof names === "number" && errnoName(names) !== "ENOTDIR")
      throw await this.#error(path, names, "cannot list");
    return (await this.#walk(path, names)).sort();
  }

  /**
   * The values of these keys, and of those that a write to one of them rewrites too (net.ipv4.ip_forward rewrites
   * forwarding of every interface), in the order in which they have to be restored.
   */
  async snapshot(keys: Iterable<SysctlKey>): Promise<SavedSysctl[]> {
    const triggers: string[] = [];
    const paths = new Map<string, readonly string[]>();
    for (const key of listOf(keys, "snapshot", "a list of keys", () => true)) {
      const path = parseKey(key);
      paths.set(formatKey(path), path);
      const also: (readonly string[])[] = [];
      for (const pattern of alsoWrites(path)) also.push(...(await this.#instances(pattern)));
      if (also.length > 0) triggers.push(formatKey(path));
      for (const other of also) paths.set(formatKey(other), other);
    }
    // A restored trigger overwrites the rest once more: it has to come first. `default` and `all` are triggers too.
    const first = (key: string): number => (triggers.includes(key) ? 0 : /\.(all|default)\./.test(key) ? 1 : 2);
    const saved: SavedSysctl[] = [];
    for (const [key, path] of [...paths].sort(([a], [b]) => first(a) - first(b)))
      saved.push({ key, value: await this.#read(path, "cannot save") });
    return saved;
  }

  /**
   * Puts values of a snapshot back; only those that differ are written. One that fails does not keep the others from
   * coming back.
   *
   * @throws {SysctlError} at the end, of the first that failed, with the messages of all.
   */
  async restore(saved: Iterable<SavedSysctl>): Promise<Restoration> {
    const values = listOf(saved, "restore", "what snapshot gave: a list of keys with their values", isSaved);
    return await this.#inTurn(() => this.#restore(values));
  }

  async #restore(saved: readonly SavedSysctl[]): Promise<Restoration> {
    const restored: string[] = [];
    const vanished: string[] = [];
    const failed: SysctlError[] = [];
    for (const { key, value } of saved) {
      try {
        if ((await this.#given(key)) === normalizeValue(value)) continue;
        // What was there before may be outside of our ranges, and is put back all the same.
        await this.#write(parseKey(key), value, "cannot restore");
        restored.push(key);
      } catch (error) {
        if (!(error instanceof SysctlError)) throw error;
        if (error.code === "ENOENT") vanished.push(key);
        else failed.push(error);
      }
    }
    const [first] = failed;
    if (first !== undefined) {
      first.message = failed.map(({ message }) => message).join("; ");
      throw first;
    }
    return { restored, vanished };
  }

  /** The value; undefined where nobody gave it one, as with the stable_secret of a new link. */
  async #given(key: string): Promise<string | undefined> {
    try {
      return normalizeValue(await this.get(key));
    } catch (error) {
      if ((error as { code?: unknown }).code === "EIO") return undefined;
      throw error;
    }
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

  /** Runs a change when those before it are over. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changed.then(change);
    this.#changed = result.catch(() => undefined);
    return result;
  }

  async #write(path: readonly string[], text: string, doing: string, value?: string): Promise<void> {
    const data = Buffer.from(`${text}\n`);
    const written = await new Promise<number>((done) => {
      const status = loadBinding().nsWrite(this.#fd, fileOf(path), data, done);
      if (status < 0) done(status);
    });
    if (written < 0) throw await this.#error(path, written, doing, value);
  }

  /** The value, or -errno. */
  #ask(path: readonly string[]): Promise<string | number> {
    return new Promise((done) => {
      const status = loadBinding().nsRead(this.#fd, fileOf(path), this.#buffer, (length) =>
        done(length < 0 ? length : Buffer.from(this.#buffer.subarray(0, length)).toString("utf8").trim()),
      );
      if (status < 0) done(status);
    });
  }

  async #read(path: readonly string[], doing: string): Promise<string> {
    const value = await this.#ask(path);
    if (typeof value === "number") throw await this.#error(path, value, doing);
    return value;
  }

  /** Names in a group, or -errno. */
  #names(group: readonly string[]): Promise<readonly string[] | number> {
    return new Promise((done) => {
      const status = loadBinding().nsList(this.#fd, fileOf(group), done);
      if (status < 0) done(status);
    });
  }

  /** The keys below a path of which `names` was said; a group that vanished meanwhile has none. */
  async #walk(path: readonly string[], names: readonly string[] | number): Promise<string[]> {
    if (typeof names === "number") return errnoName(names) === "ENOTDIR" ? [formatKey(path)] : [];
    const found: string[] = [];
    for (const name of names) {
      const below = [...path, name];
      found.push(...(await this.#walk(below, await this.#names(below))));
    }
    return found;
  }

  /** A path for each interface, where the pattern has `*`. */
  async #instances(pattern: readonly string[]): Promise<(readonly string[])[]> {
    const at = pattern.findIndex((part) => part === "*" || part === "+");
    if (at < 0) return [pattern];
    const names = await this.#names(pattern.slice(0, at));
    if (typeof names === "number") return [];
    return names.filter((name) => standsFor(pattern[at] ?? "", name)).map((name) => pattern.with(at, name));
  }

  async #error(path: readonly string[], result: number, doing: string, value?: string): Promise<SysctlError> {
    const code = errnoName(result);
    const key = formatKey(path);
    const list = async (group: readonly string[]): Promise<readonly string[] | undefined> => {
      const names = await this.#names(group);
      return typeof names === "number" ? undefined : names;
    };
    if (code === "ENOENT" && (await list(path.slice(0, -1)))?.includes(path.at(-1) ?? "")) {
      const reason = `the kernel does not know ${shownValue(path, value ?? "")}`;
      return new SysctlError(key, "EINVAL", reason, { errno: result, doing });
    }
    if (code === "ENOENT") {
      const { what, reason } = await explainMissing(path, list);
      return new SysctlError(key, code, reason, { errno: result, missing: what, doing });
    }
    const reasons: Readonly<Record<string, string>> = {
      EACCES: "not readable or not writable for this process, or fixed in this namespace",
      EPERM: "it takes CAP_NET_ADMIN over the namespace",
      EINVAL: value === undefined ? "the kernel refused" : `the kernel refused ${shownValue(path, value)}`,
      EISDIR: "it is a group of sysctls, not one",
      EBADF: "the namespace was closed already",
      EIO: "it has no value yet",
      ERANGE: `the kernel refused ${shownValue(path, value)} as out of range`,
    };
    const reason = (await list(path)) === undefined ? reasons[code] : reasons["EISDIR"];
    return new SysctlError(key, code, reason ?? "the kernel refused", { errno: result, doing });
  }
}

/** The calls by which the library reaches the kernel and its files: before each of them a test may have something happen. */
import promises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { getSystemErrorName } from "node:util";

/** Messages of netlink; files of /proc/sys, and requests to devices; files of journals. */
export type Sort = "netlink" | "settings" | "files";

/** A call that is about to be made. */
export interface Call {
  readonly sort: Sort;
  readonly name: string;
  /** Descriptor of a namespace, for settings; path, for files. */
  readonly where?: number | string | undefined;
  /** Whether it may change something, of the kernel or of a disk: between two calls that read nothing is another than before. */
  readonly changes: boolean;
  /** What is about to be appended to a file. */
  readonly appends?: { readonly fd: number; readonly text: string };
}

/** What happens before a call: where it gives an error number, negated, the call is not made, and fails with that. */
export type Before = (call: Call) => number | undefined;

const NATIVE: Readonly<Record<string, Sort>> = {
  send: "netlink",
  recv: "netlink",
  transact: "netlink",
  exchange: "netlink",
  ask: "netlink",
  nsRead: "settings",
  nsWrite: "settings",
  nsList: "settings",
  ethtool: "settings",
};
const NLM_F_DUMP = 0x300;
const FLAGS_AT = 6;
/** Of the addon's calls those that send or write. */
function changes(name: string, args: readonly unknown[]): boolean {
  const [, message] = args;
  if (name === "nsWrite" || name === "ethtool") return true;
  if (NATIVE[name] !== "netlink" || !(message instanceof Uint8Array) || name === "recv") return false;
  const flags = new DataView(message.buffer, message.byteOffset).getUint16(FLAGS_AT, true);
  return (flags & NLM_F_DUMP) !== NLM_F_DUMP;
}
const READING = ["lstat", "readdir", "readFile", "stat", "read"];
const BY_PATH = ["open", "mkdir", "lstat", "readdir", "rename", "unlink", "rm", "readFile"];
const BY_HANDLE = ["stat", "read", "readFile", "write", "writeFile", "appendFile", "sync", "datasync", "truncate"];

// biome-ignore lint/suspicious/noExplicitAny: these are calls of any kind
type Functions = Record<string, (...args: any[]) => unknown>;

/** Has functions of an object replaced; returns what puts the old ones back. */
function replace(
  of: object,
  names: readonly string[],
  by: (name: string, old: Functions[string]) => Functions[string],
) {
  const functions = of as Functions;
  const old = names.map((name) => [name, functions[name] as Functions[string]] as const);
  for (const [name, one] of old) functions[name] = by(name, one);
  return (): void => {
    for (const [name, one] of old) functions[name] = one;
  };
}

/** The calls of an addon, whose answers are error numbers too. */
export function beforeNative(binding: object, before: Before): () => void {
  return replace(binding, Object.keys(NATIVE), (name, old) => (...args) => {
    const sort = NATIVE[name] as Sort;
    const instead = before({
      sort,
      name,
      changes: changes(name, args),
      ...(sort === "settings" && { where: args[0] as number }),
    });
    return instead ?? old(...args);
  });
}

function failure(errno: number, name: string): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${code}: ${name}`), { code, errno, syscall: name });
}

/** The calls for files that nobody waits for: those of journals and locks. */
export async function beforeFiles(before: Before): Promise<() => void> {
  const paths = new WeakMap<object, string>();
  const probe = await promises.open("/dev/null");
  const handles = Object.getPrototypeOf(probe) as object;
  await probe.close();
  const refuse = (call: Omit<Call, "sort" | "changes">): void => {
    const errno = before({ sort: "files", changes: !READING.includes(call.name), ...call });
    if (errno !== undefined) throw failure(errno, call.name);
  };
  const ends = [
    replace(promises, BY_PATH, (name, old) => async (...args) => {
      const where = String(args[0]);
      refuse({ name, where });
      const result = await old(...args);
      if (name === "open") paths.set(result as object, where);
      return result;
    }),
    replace(handles, BY_HANDLE, (name, old) => {
      return async function (this: FileHandle, ...args) {
        const appends = name === "appendFile" && { appends: { fd: this.fd, text: String(args[0]) } };
        refuse({ name, where: paths.get(this), ...appends });
        return await old.apply(this, args);
      };
    }),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const end of ends) end();
    syncBuiltinESMExports();
  };
}

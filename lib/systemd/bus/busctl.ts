/** The bus as `busctl` of systemd speaks it: for where the package is not there. It hears no signals. */
import { execFile } from "node:child_process";
import { type Bus, type Call, PATIENCE, plain } from "./bus.ts";
import { Refused, SystemdError } from "./error.ts";

/** Bytes that it may print: what networkd tells of a thousand links is some megabytes. */
const LARGEST = 64 << 20;

/** A value as its words on the command line. */
function wordsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? [String(value.length), ...value.flatMap(wordsOf)] : [String(value)];
}

/** What it printed of an answer: `{"type":"ss","data":["a","b"]}`, or nothing where there is no value. */
function bodyOf(stdout: string): readonly unknown[] {
  if (stdout.trim() === "") return [];
  const { data } = JSON.parse(stdout) as { readonly data: readonly unknown[] };
  return plain(data) as readonly unknown[];
}

/** Errors whose name it does not print, by the words of who answered: GLib's for objects, NetworkManager's for links, the bus's for names. */
const NAMES: readonly (readonly [words: RegExp, name: string])[] = [
  [/access denied|authentication required|not permitted/i, "org.freedesktop.DBus.Error.AccessDenied"],
  [
    /^(The )?name \S+ (does not exist|was not provided|is not activatable)|activate remote peer/i,
    "org.freedesktop.DBus.Error.NameHasNoOwner",
  ],
  [/^No device found/i, "org.freedesktop.NetworkManager.UnknownDevice"],
  [
    /^(Object does not exist at path|No such (object|interface)|Unknown object)/i,
    "org.freedesktop.DBus.Error.UnknownObject",
  ],
];

/** Its words on standard error: `Call failed: Unit x.service not found.` */
function refusalIn(stderr: string): Refused | SystemdError {
  const words = stderr.trim().replace(/^Call failed: /, "");
  if (/^Failed to (set|connect|open|create)/.test(words)) return new SystemdError("ERR_NO_BUS", words);
  const [, name = "org.freedesktop.DBus.Error.Failed"] = NAMES.find(([pattern]) => pattern.test(words)) ?? [];
  return new Refused(name, words);
}

class BusctlBus implements Bus {
  readonly #address: string;
  readonly #lost = new AbortController();

  constructor(address: string) {
    this.#address = address;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  call({ signature = "", body = [], timeout = PATIENCE, signal, ...where }: Call): Promise<readonly unknown[]> {
    this.lost.throwIfAborted();
    const args = [`--address=${this.#address}`, "--json=short", "--auto-start=no", `--timeout=${timeout / 1000}`];
    const { destination, path, member } = where;
    const words = signature === "" ? [] : [signature, ...body.flatMap(wordsOf)];
    const command = ["call", ...args, "--", destination, path, where.interface, member, ...words];
    const options = { env: { ...process.env, LC_ALL: "C" }, maxBuffer: LARGEST, timeout: timeout + 1000, signal };
    return new Promise((resolve, reject) =>
      execFile("busctl", command, options, (error, stdout, stderr) => {
        if (error === null) resolve(bodyOf(stdout));
        else if (signal?.aborted === true) reject(signal.reason);
        else reject(stderr === "" ? error : refusalIn(stderr));
      }),
    );
  }

  close(): void {
    this.#lost.abort(new SystemdError("ERR_LOST", "the connection with D-Bus was closed"));
  }
}

/** Asks the bus who it is, to see that it can be asked. */
export async function connectByBusctl(address: string, timeout: number): Promise<Bus> {
  const bus = new BusctlBus(address);
  const daemon = { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus" };
  await bus.call({ ...daemon, interface: "org.freedesktop.DBus", member: "GetId", timeout });
  return bus;
}

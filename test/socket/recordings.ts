/** Recordings of a kernel's answers: kept in test/fixtures/socket, made anew with LINKWRIGHT_RECORD=1 npm test. */
import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { RecordedTransport, Recorder, type Recording } from "../../lib/socket/recorded.ts";
import type { Transport } from "../../lib/socket/transport.ts";

const file = (name: string): string => `test/fixtures/socket/${name}.json`;

type Recordings = Readonly<Record<string, Recording["steps"]>>;

/** Plays the recording `title` of the file `name`. */
export function played(name: string, title: string): RecordedTransport {
  const { recordings } = JSON.parse(readFileSync(file(name), "utf8")) as { readonly recordings: Recordings };
  const steps = recordings[title];
  if (steps === undefined) throw new Error(`no recording of "${title}"; make them with: LINKWRIGHT_RECORD=1 npm test`);
  return new RecordedTransport({ steps });
}

/** Records, when that is asked for, what goes over the transports given to it. */
export class Studio {
  readonly #name: string;
  readonly #recorders = new Map<string, Recorder>();

  constructor(name: string) {
    this.#name = name;
  }
  record(title: string, transport: Transport): Transport {
    if (process.env["LINKWRIGHT_RECORD"] !== "1") return transport;
    const recorder = new Recorder(transport);
    this.#recorders.set(title, recorder);
    return recorder;
  }
  /** Writes the file. */
  save(): void {
    if (this.#recorders.size === 0) return;
    const recordings = Object.fromEntries([...this.#recorders].map(([title, { steps }]) => [title, steps]));
    const command = `LINKWRIGHT_RECORD=1 npm test -- --grep socket # Linux ${release().split("-")[0]}, in an empty network namespace`;
    writeFileSync(file(this.#name), `${JSON.stringify({ command, recordings }, null, 1)}\n`);
  }
}

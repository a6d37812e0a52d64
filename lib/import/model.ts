/** One host as commands make it, line by line. */
import type { Findings } from "./finding.ts";

/** Properties in the words of the document. */
export type Bag = Record<string, unknown>;

/** A link that commands made or named. */
export interface LinkModel {
  readonly name: string;
  /** Absent: nobody made it, so that it has to be there already. */
  kind?: string;
  /** The line that made it, or named it first. */
  line: number;
  readonly options: Bag;
  readonly port: Bag;
  /** Whether it was switched, and to what; absent: nobody said. */
  up?: boolean;
  readonly addresses: Entry[];
  readonly routes: Entry[];
  readonly fdb: Entry[];
  readonly vlans: Entry[];
  readonly vnis: Entry[];
  readonly mdb: Entry[];
  /** The near end of the cable whose far end this is. */
  madeBy?: string;
  /** The line that deleted it, where one did. */
  deleted?: number | undefined;
  /** Whether it went to another namespace. */
  moved?: boolean;
}
/** An entry in the words of its service, and the line that made it. */
export interface Entry {
  readonly line: number;
  readonly words: Bag;
}
/** A sysctl, and whether it stands in a file that is read at boot. */
export interface SysctlModel {
  readonly key: string;
  readonly value: string;
  readonly line: number;
  readonly kept: boolean;
}
/** A rule of a firewall that a document can say. */
export interface RuleModel {
  readonly line: number;
  readonly words: Bag;
}
/** What commands are gone after a reboot. */
export type Lost = "links, addresses and routes" | "firewall rules" | "sysctls";

/** The lists of a link that nothing is on. */
const nothingOn = (): Pick<LinkModel, "addresses" | "routes" | "fdb" | "vlans" | "vnis" | "mdb"> => ({
  addresses: [],
  routes: [],
  fdb: [],
  vlans: [],
  vnis: [],
  mdb: [],
});

/** The state that commands add up to. */
export class HostModel {
  readonly findings: Findings;
  readonly links = new Map<string, LinkModel>();
  readonly rules: Entry[] = [];
  readonly nexthops: Entry[] = [];
  /** Routes that name no device. */
  readonly routes: Entry[] = [];
  readonly neighbors: Entry[] = [];
  /** By key; the last one counts. */
  readonly sysctls = new Map<string, SysctlModel>();
  readonly nat: RuleModel[] = [];
  readonly forward: RuleModel[] = [];
  /** Pairs whose TCP handshakes are told what fits; absent ends mean all. */
  readonly clamps: { readonly line: number; readonly in?: string; readonly out?: string }[] = [];
  /** Where links are named: what is used and by which line. */
  readonly uses: { readonly name: string; readonly line: number; readonly as: Use }[] = [];
  /** Comments for the document, by the link that they are about. */
  readonly remarks: { readonly link: string; readonly text: string }[] = [];
  readonly #lost = new Map<Lost, number[]>();

  constructor(findings: Findings) {
    this.findings = findings;
  }

  /** A link, noted as one that is there already where nobody made it. */
  link(name: string, line: number): LinkModel {
    const known = this.links.get(name);
    if (known !== undefined) return known;
    const made: LinkModel = { name, line, options: {}, port: {}, ...nothingOn() };
    this.links.set(name, made);
    return made;
  }

  /** A new link of a kind. */
  make(name: string, kind: string, line: number, options: Bag): LinkModel {
    const before = this.links.get(name);
    const there = before !== undefined && before.deleted === undefined;
    if (there && before.kind !== undefined)
      this.findings.say(
        "error",
        line,
        `${name} is made at line ${before.line} already`,
        "the later line counts here; keep one",
      );
    else if (there)
      this.findings.say(
        "error",
        line,
        `${name} is made only now, and line ${before.line} uses it`,
        "move this line up",
      );
    const made: LinkModel = {
      ...(there ? before : { ...nothingOn(), port: {} }),
      name,
      kind,
      line,
      options: { ...(there ? before.options : {}), ...options },
    };
    this.links.set(name, made);
    return made;
  }

  use(name: unknown, line: number, as: Use): void {
    if (typeof name === "string") this.uses.push({ name, line, as });
  }

  /** Notes that the effect of a line ends with the next boot. */
  lose(what: Lost, line: number): void {
    const lines = this.#lost.get(what);
    if (lines === undefined) this.#lost.set(what, [line]);
    else if (lines.at(-1) !== line) lines.push(line);
  }
  get lost(): ReadonlyMap<Lost, readonly number[]> {
    return this.#lost;
  }
}

/** In which role a link is named. */
export type Use = "master" | "dev" | "rule" | "sysctl" | "entry";

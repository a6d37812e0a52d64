/** A document as files for systemd-networkd, sysctl.d, nftables and units. */
import type { Desired } from "../state/desired.ts";
import { applyUnit, COMMAND, nftablesDropIn, nftablesText, nftablesUnit, sysctlText } from "./boot.ts";
import { rightsOf } from "./confinement.ts";
import { foreignText } from "./foreign.ts";
import type { InCharge } from "./in-charge.ts";
import { LinkFiles } from "./links.ts";
import { LASTING, type Places } from "./places.ts";
import { seal } from "./provenance.ts";
import { printSections } from "./section.ts";
import { type Unsaid, Unsayable } from "./unsaid.ts";
import type { ExportedFile } from "./write.ts";

/** What an export is made of. */
export interface ExportInput {
  readonly desired: Desired;
  /** The document's text, for the unit that applies what networkd cannot say. */
  readonly text: string;
  /** Which host of the document it is; absent where the document is for one. */
  readonly host?: string;
  /** Version of systemd, 247 or later. */
  readonly version: number;
  /** Files of others that networkd has for links, by the links' names; absent where nobody was asked. */
  readonly inCharge?: ReadonlyMap<string, InCharge>;
  /** Where they go; by default below /etc. */
  readonly places?: Places;
  /** Whether the units of direct mode may change links that systemd-networkd or NetworkManager manage. Default: false. */
  readonly allowManaged?: boolean;
  /** The version of linkwright, for the heads of files; absent where that is of no interest. */
  readonly tool?: string;
  /** How units call the program; by default the `linkwright` in /usr/local/bin or /usr/bin. */
  readonly command?: readonly string[];
}
/** The files, and what is not in networkd's. */
export interface Exported {
  readonly files: readonly ExportedFile[];
  readonly unsaid: readonly Unsaid[];
}

/**
 * The files for one host. Nothing is written or changed by it.
 *
 * @throws {UnitTextError} where a value of the document can stand in no file.
 */
export function exportFiles(input: ExportInput): Exported {
  const { desired, text, host, version, inCharge, places = LASTING, command = COMMAND, tool } = input;
  const unsaid = new Unsayable(version);
  const files: ExportedFile[] = [];
  const add = (path: string, body: string | undefined): void => {
    if (body !== undefined) files.push({ path, text: seal(body, { text, tool }) });
  };
  for (const { name, sections } of new LinkFiles(desired, unsaid, inCharge).all())
    add(`${places.network}/${name}`, printSections(sections));
  add(places.sysctl, sysctlText(desired, unsaid));
  const rules = nftablesText(desired, unsaid);
  if (rules !== undefined) {
    for (const [key, what] of [
      ["nat", "its NAT cannot name the output link"],
      ["forward", "it has no forward rules"],
    ] as const)
      if (desired.table?.chains?.some(({ hook }) => hook === (key === "nat" ? "postrouting" : "forward")))
        unsaid.note([key], `not by networkd: ${what}`, "nftables");
    add(places.nftables, rules);
    add(places.nftablesUnit, nftablesUnit(places));
    add(places.nftablesDropIn, nftablesDropIn(places));
  }
  add(places.networkdDropIn, foreignText(unsaid, places));
  if (unsaid.all.some(({ by }) => by === "apply")) {
    add(places.document, text);
    add(places.applyUnit, applyUnit(places, { command, host, rights: rightsOf(desired) }));
  }
  return { files, unsaid: unsaid.all };
}

/** A document as files for systemd-networkd, sysctl.d, nftables and units. */
import type { Desired } from "../state/desired.ts";
import { applyUnit, nftablesText, nftablesUnit, PLACES, sysctlText } from "./boot.ts";
import { LinkFiles } from "./links.ts";
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
export function exportFiles({ desired, text, host, version }: ExportInput): Exported {
  const unsaid = new Unsayable(version);
  const files: ExportedFile[] = [];
  const add = (path: string, body: string | undefined): void => {
    if (body !== undefined) files.push({ path, text: seal(body) });
  };
  for (const { name, sections } of new LinkFiles(desired, unsaid).all())
    add(`/etc/systemd/network/${name}`, printSections(sections));
  add(PLACES.sysctl, sysctlText(desired, unsaid));
  const rules = nftablesText(desired, unsaid);
  if (rules !== undefined) {
    for (const [key, what] of [
      ["nat", "its NAT cannot name the output link"],
      ["forward", "it has no forward rules"],
    ] as const)
      if (desired.table?.chains?.some(({ hook }) => hook === (key === "nat" ? "postrouting" : "forward")))
        unsaid.note([key], `not by networkd: ${what}`, "nftables");
    add(PLACES.nftables, rules);
    add(PLACES.nftablesUnit, nftablesUnit());
  }
  if (unsaid.all.some(({ by }) => by === "apply")) {
    add(PLACES.document, text);
    add(PLACES.applyUnit, applyUnit(host));
  }
  return { files, unsaid: unsaid.all };
}

/** `linkwright systemd unmanage FILE` */
import { notLeftAlone, surveyUnmanaged, unmanage } from "../../systemd/index.ts";
import type { Run } from "../command.ts";
import { needPrivilege, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { printDiff } from "../file-changes.ts";
import { printJson } from "../report.ts";

/** Has networkd and NetworkManager leave alone the links that a document makes. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { desired } = await readDocument(file, given);
  const dry = given["dry-run"] === true;
  if (!dry) needPrivilege("systemd unmanage");
  const changes = await surveyUnmanaged(desired, { runtime: given.runtime === true });
  if (!dry) await unmanage(changes);
  if (!given.json) for (const [link, reason] of notLeftAlone(desired)) terminal.remark(`links.${link}: ${reason}`);
  if (given.json) printJson({ changes }, terminal);
  else if (dry) printDiff(changes, terminal);
  else {
    for (const { path } of changes) terminal.line(`wrote ${path}`);
    terminal.line(changes.length === 0 ? "nothing to do" : "networkd and NetworkManager leave these links as they are");
  }
  return dry && changes.length > 0 ? EXIT.DIFFERENT : EXIT.OK;
};

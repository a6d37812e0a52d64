/** `linkwright verify FILE` */
import { verify } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { printJson, printVerification } from "../report.ts";
import { withProgress } from "../terminal.ts";

/** Compares the host with the document. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host: name, desired } = await readDocument(file, given);
  await using host = await openHost(given);
  const found = await withProgress(terminal, "looking at the host", () => verify(host, desired));
  const { ok, differences, counts } = found;
  if (given.json) printJson({ file, host: name, ok, differences, verified: counts.same, counts }, terminal);
  else printVerification(found, terminal);
  return ok ? EXIT.OK : EXIT.DIFFERENT;
};

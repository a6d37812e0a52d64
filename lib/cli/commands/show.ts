/** `linkwright show` */
import type { Run } from "../command.ts";
import { openHost } from "../document.ts";
import { EXIT } from "../failure.ts";
import { observePath } from "../observe-path.ts";
import { findFaults } from "../path.ts";
import { printJson } from "../report.ts";
import { withProgress } from "../terminal.ts";
import { drawPaths } from "../tree.ts";

/** Draws the path of packets. */
export const run: Run = async ({ given, terminal }) => {
  await using host = await openHost(given);
  const links = await withProgress(terminal, "looking at the host", () => observePath(host));
  if (given.json) printJson({ links, findings: findFaults(links) }, terminal);
  else for (const line of drawPaths(links, terminal)) terminal.line(line);
  return EXIT.OK;
};

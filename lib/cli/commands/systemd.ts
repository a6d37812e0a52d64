/** `linkwright systemd export FILE` */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { directFiles } from "../../systemd/direct.ts";
import {
  detectVersion,
  type Exported,
  exportFiles,
  parseVersion,
  type Unsaid,
  writeFiles,
} from "../../systemd/index.ts";
import type { Run } from "../command.ts";
import { readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { counted, printJson } from "../report.ts";
import type { Terminal } from "../terminal.ts";

const BY: Readonly<Record<Unsaid["by"], string>> = {
  nftables: "in the nftables file",
  apply: "by linkwright-apply.service",
  nothing: "note",
};

function print({ files }: Exported, terminal: Terminal): void {
  for (const { path, text } of files) {
    terminal.line(`#### ${path}`);
    for (const line of text.trimEnd().split("\n")) terminal.line(line);
    terminal.line();
  }
}

/** Prints files for systemd, or writes them below a directory. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host, desired } = await readDocument(file, given);
  const version = given.systemd === undefined ? detectVersion() : parseVersion(given.systemd);
  const text = readFileSync(file, "utf8");
  const files = given.direct === true ? directFiles : exportFiles;
  const exported = files({ desired, text, version, ...(host === undefined ? {} : { host }) });
  if (given.output !== undefined) await writeFiles(resolve(given.output), exported.files);
  if (given.json) printJson({ file, host, systemd: version, ...exported }, terminal);
  else {
    if (given.output === undefined) print(exported, terminal);
    else terminal.line(`wrote ${counted(exported.files.length, "file")} below ${given.output}; nothing was installed`);
    for (const { path, reason, by } of exported.unsaid) terminal.remark(`${BY[by]}: ${path.join(".")}: ${reason}`);
  }
  return EXIT.OK;
};

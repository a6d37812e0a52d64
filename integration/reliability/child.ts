/**
 * Applies a document with the package as it was built, or recovers from an application, and kills itself before one of its
 * calls to the kernel or for files, or in the middle of a line.
 */
import { writeSync } from "node:fs";
import { kill, pid } from "node:process";
import { type Before, beforeFiles, beforeNative } from "./calls.ts";

/** What it is told. */
export interface Errand {
  readonly call: "transact" | "recover";
  readonly directory: string;
  readonly document: { readonly file: string; readonly host: string };
  /** Whether moments before calls that only read count, too. */
  readonly every: boolean;
  /** Which of the moments, from 1; with none of them it ends by itself. */
  readonly at: number;
}

const errand = JSON.parse(process.argv[2] ?? "") as Errand;
let moments = 0;

const before: Before = ({ changes, appends }) => {
  if (!changes && !errand.every) return undefined;
  if (++moments === errand.at) kill(pid, "SIGKILL");
  if (appends === undefined || ++moments !== errand.at) return undefined;
  writeSync(appends.fd, appends.text.slice(0, appends.text.length / 2));
  kill(pid, "SIGKILL");
  return undefined;
};

const { dlopen } = process;
process.dlopen = (module, ...rest) => {
  dlopen.call(process, module, ...rest);
  beforeNative((module as { exports: object }).exports, before);
};
await beforeFiles(before);

const { Host } = await import("linkwright");
const { derive, desiredOf, readSource, recover, transact } = await import("linkwright/document");
const { call, directory, document } = errand;
const source = readSource(document.file);
await using host = await Host.open({ inline: true });
if (call === "recover") await recover(host, { directory });
else await transact(host, desiredOf(derive(await source, document.host)), { directory });
console.log(moments);

/** A program that applies or recovers in the namespace that it is started in, and may kill itself on the way. */
import { kill, pid } from "node:process";
import { derive } from "../../lib/fabric/fabric.ts";
import { Host } from "../../lib/host.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";
import { recover } from "../../lib/transaction/ending.ts";
import type { Witness } from "../../lib/transaction/journal.ts";
import { transact } from "../../lib/transaction/transaction.ts";

/** What the program is told. */
export interface Order {
  readonly call: "transact" | "recover";
  readonly directory: string;
  /** A file and whose share of it, or the text of a document. */
  readonly document?: { readonly file: string; readonly host: string } | { readonly text: string };
  readonly confirm?: number;
  readonly allowRecreate?: boolean;
  /** The signal that it sends itself at this many moments around lines of the journal, from 1, or when all is done and not yet said; and to the whole group. */
  readonly at?: number | "done";
  readonly signal?: "SIGKILL" | "SIGSTOP";
  readonly group?: boolean;
}

/** Counts moments; right before a line the request before it is over, right after it the next has not begun. */
function witness({ at, signal = "SIGKILL", group = false }: Order, count: { moments: number }): Witness {
  return (moment, { type }) => {
    const done = moment === "before" && (type === "done" || type === "wait");
    if (++count.moments === at || (at === "done" && done)) kill(group ? 0 : pid, signal);
  };
}

async function main(order: Order): Promise<void> {
  const count = { moments: 0 };
  const { directory, document, confirm = 0, allowRecreate = false } = order;
  const options = { directory, witness: witness(order, count), wait: 5 };
  await using host = await Host.open({ inline: true });
  if (order.call === "recover") {
    const { state } = await recover(host, options);
    console.log(JSON.stringify({ state, moments: count.moments }));
    return;
  }
  if (document === undefined) throw new Error("there is no document");
  const source =
    "text" in document ? parseSource(document.text, "f.yaml") : derive(await readSource(document.file), document.host);
  const { state, requests } = await transact(host, desiredOf(source), { ...options, confirm, allowRecreate });
  console.log(JSON.stringify({ state, requests, moments: count.moments }));
}

await main(JSON.parse(process.argv[2] ?? "") as Order);

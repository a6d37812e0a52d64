/**
 * An event logger: one line for each change of links, addresses and routes, as they happen. It ends with Ctrl-C, or by
 * itself after as many lines as it is told.
 *
 *   node event-logger.js [lines]
 */
import { Host, type WatchEvent } from "linkwright";

const most = Number(process.argv[2] ?? Number.POSITIVE_INFINITY);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

type Tables = "links" | "addresses" | "routes";
/** What happened, in words. */
function words(event: WatchEvent<Tables>): string {
  if (event.type === "resync") return "changes came too fast and some were lost: all was read anew";
  switch (event.type) {
    case "link": {
      const { name, kind, up, operstate, mtu, master } = event.value;
      if (event.removed) return `link ${name} is gone`;
      return `link ${name}: ${kind ?? "hardware"}, ${up ? `on, ${operstate}` : "off"}, MTU ${mtu}${master === undefined ? "" : `, port of ${master}`}`;
    }
    case "address": {
      const { address, dev } = event.value;
      return `address ${address} ${event.removed ? "is gone from" : "is on"} ${dev}`;
    }
    case "route": {
      const { dst, type, via, dev, table } = event.value;
      const way = [type, dst, via && `via ${via}`, dev && `dev ${dev}`, table !== "main" && `in table ${table}`];
      return `route ${way.filter(Boolean).join(" ")} ${event.removed ? "is gone" : "is there"}`;
    }
  }
}

await using host = await Host.open();
// Watching does not keep a program alive unless it is told to.
const watch = host.watch({ links: true, addresses: true, routes: true, signal: stop.signal, held: true });
console.log("watching");
let lines = 0;
try {
  for await (const event of watch) {
    console.log(words(event));
    lines += 1;
    if (lines === most) break;
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
console.log(`lines: ${lines}`);

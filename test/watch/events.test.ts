/** What the kernel told as things changed, in the words of the watch. */
import { deepEqual, rejects } from "node:assert/strict";
import type { Change, Monitor } from "../../lib/socket/index.ts";
import { together } from "../../lib/watch/listening.ts";
import { type TableName, type Watchable, watchables } from "../../lib/watch/tables.ts";
import { type Message, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { NAMES } from "../addresses/attributes.ts";
import { capture } from "../fixtures.ts";

type Told = Readonly<Record<string, unknown>>;

/** What a table's messages of a capture tell: whether something is gone, and the object. */
function told(table: TableName, file: string): (readonly [removed: boolean, value: Told])[] {
  const { made, gone, read } = watchables[table] as unknown as Watchable<never, Told>;
  return capture(`watch/${file}.hex`).flatMap((bytes) => {
    const type = new Reader(bytes).u16[2];
    if (type !== made.type && type !== gone.type) return [];
    const message = made.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
    return read(message as never, NAMES).map((value) => [type === gone.type, value] as const);
  });
}

describe("events", () => {
  it("of classes", () => {
    deepEqual(
      told("classes", "classes").map(([removed, { dev, classid, kind, parent, rate }]) => [
        removed,
        dev,
        classid,
        kind,
        parent,
        rate,
      ]),
      [
        [false, "d0", "1:10", "htb", "root", 1_000_000],
        [true, "d0", "1:10", "htb", "root", 1_000_000],
      ],
    );
  });

  it("of filters: of links, of blocks, and of all of one pref", () => {
    deepEqual(
      told("filters", "filters").map(([removed, { dev, parent, block, pref, kind, handle, classid }]) => [
        removed,
        dev ?? block,
        parent,
        pref,
        kind,
        handle,
        classid,
      ]),
      [
        [false, "d0", "1:", 5, "u32", "800::800", "1:10"],
        [true, "d0", "1:", 5, "u32", "800::800", "1:10"],
        [false, "d0", "egress", 6, "u32", "800::800", "1:10"],
        [true, "d0", "egress", 6, "u32", "0:", undefined],
        [false, 22, undefined, 7, "u32", "800::800", "1:10"],
      ],
    );
  });

  it("of numbers of namespaces", () => {
    deepEqual(told("nsids", "nsids"), [
      [false, { nsid: 7 }],
      [false, { nsid: 0 }],
      [true, { nsid: 7 }],
    ]);
  });
});

/** A monitor that tells what it is given. */
class Given {
  readonly #events: unknown[] = [];
  #wake: (() => void) | undefined;
  asked = 0;
  closed = false;

  tell(...events: readonly unknown[]): void {
    this.#events.push(...events);
    this.#wake?.();
  }
  async next(): Promise<unknown> {
    this.asked++;
    while (this.#events.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const event = this.#events.shift();
    if (event instanceof Error) throw event;
    return event === undefined ? { done: true, value: undefined } : { done: false, value: event };
  }
  take(): unknown[] {
    return this.#events.splice(0);
  }
  poll(): boolean {
    return this.#events.length === 0;
  }
  close(): void {
    this.closed = true;
  }
}
const source = (given: Given) => given as unknown as Monitor<Message<never, unknown>>;
const event = (value: string): Change => ({ value }) as Change;

describe("several monitors", () => {
  it("are heard as one, each asked once at a time; a quiet one is not asked again", async () => {
    const [a, b] = [new Given(), new Given()];
    const both = together([source(a), source(b)]);
    const heard: unknown[] = [];
    for (const name of ["one", "two", "three"]) {
      const next = both.next();
      a.tell(event(name));
      heard.push((await next).value);
    }
    b.tell(event("other"), event("more"));
    heard.push((await both.next()).value, both.take());
    deepEqual(heard, [...["one", "two", "three", "other"].map(event), [event("more")]]);
    deepEqual([a.asked, b.asked, both.poll()], [4, 1, true]);
    both.close();
    deepEqual([a.closed, b.closed], [true, true]);
  });

  it("end with the first that ends, and fail with the first that fails", async () => {
    const [a, b] = [new Given(), new Given()];
    const both = together([source(a), source(b)]);
    b.tell(new Error("broken"));
    await rejects(both.next(), /broken/);
    a.tell(undefined);
    deepEqual(await both.next(), { done: true, value: undefined });
  });

  it("of which there is one are that one", () => {
    const alone = source(new Given());
    deepEqual(together([alone]) === alone, true);
  });
});

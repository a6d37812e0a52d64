/** Namespaces for one test: made in a sandbox only, and gone after it, with everything that was in them. */
import { randomBytes } from "node:crypto";
import { Netns } from "../netns/netns.ts";
import type { Holder } from "../netns/processes.ts";
import { Guest } from "./guest.ts";
import { type LeakCheckOptions, LeakError, leakCheck, PATIENCE } from "./leaks.ts";
import { assertSandboxed } from "./sandbox.ts";

const nothing = async (): Promise<void> => undefined;

function describe({ pid, command, how }: Holder): string {
  const words = { inside: "lives in it", descriptor: "has it open", mount: "has it mounted" };
  return `process ${pid} (${command}) ${words[how]}`;
}

/** What {@link TestNamespace.create} may be told. */
export interface TestNamespaceOptions extends LeakCheckOptions {
  /** Name to find it by with other programs; by default a random one that begins with `t-`. */
  readonly name?: string;
  /**
   * Whether the end of the test also compares the descriptors, named namespaces and processes of this process with
   * those at its beginning. Of namespaces that live side by side only the first made, which goes last, can do that.
   * Default false.
   */
  readonly strict?: boolean;
}

/** A named namespace that ends with its block: `await using blue = await TestNamespace.create()`. */
export class TestNamespace extends Netns {
  readonly #guests: Guest[] = [];
  readonly #settle: number;
  #check = nothing;
  #ended = false;

  private constructor(fd: number, name: string, settle: number) {
    super(fd, name);
    this.#settle = settle;
  }

  /** Makes a namespace, in a sandbox only. Its `lo` is down, as in every new one. */
  static override async create(given: string | TestNamespaceOptions = {}): Promise<TestNamespace> {
    assertSandboxed();
    const options = typeof given === "string" ? { name: given } : given;
    const { name = `t-${randomBytes(4).toString("hex")}`, strict = false, settle = PATIENCE } = options;
    const check = strict ? leakCheck(options) : nothing;
    const made = await Netns.create(name);
    const namespace = new TestNamespace(made.release(), name, settle);
    namespace.#check = check;
    return namespace;
  }

  /** Starts a guest in it, which ends with it. */
  async guest(): Promise<Guest> {
    const guest = await Guest.start(this);
    this.#guests.push(guest);
    return guest;
  }

  /**
   * Ends its guests, removes it, and looks who still is in it.
   *
   * @throws {LeakError} naming the processes that hold it, and whatever else was left behind.
   */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    for (const guest of this.#guests.splice(0)) await guest.close();
    const name = this.name ?? "";
    this.close();
    const { holders } = await Netns.remove(name, { wait: this.#settle });
    const leaks = holders.map((holder) => `${name}: ${describe(holder)}`);
    await this.#check().catch((error: unknown) => {
      if (!(error instanceof LeakError)) throw error;
      leaks.push(...error.leaks);
    });
    if (leaks.length > 0) throw new LeakError(leaks);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

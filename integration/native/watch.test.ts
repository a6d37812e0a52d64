import assert from "node:assert";
import { spawn } from "node:child_process";
import { loadBinding } from "../../native-bindings/index.ts";
import { assertApart, CHILD, Connection, ERRNO, inChild, int, poke, SOL_SOCKET, sleep, times, until } from "./kit.ts";

describe("native layer: watching", () => {
  before(assertApart);

  it("delivers an event with its group, until null", async () => {
    const c = new Connection().monitor();
    poke();
    await until(() => c.events.length > 0, "an event");
    assert.deepEqual([c.events[0]?.type, c.events[0]?.group], [16, 1]);
    assert.equal(
      loadBinding().watch(c.handle, () => {}),
      ERRNO.EALREADY,
    );
    assert.equal(loadBinding().watch(c.handle, null), 0);
    assert.equal(loadBinding().watch(c.handle, null), 0);
    const before = c.events.length;
    poke(3);
    await sleep(20);
    assert.equal(c.events.length, before);
    c.monitor();
    await until(() => c.events.length > before, "events after watching again");
    c.close();
  });

  it("runs promises and nextTick before the next timer", async () => {
    const c = new Connection().monitor();
    const order: string[] = [];
    const keep = setTimeout(() => order.push("timer"), 1000);
    await new Promise<void>((done) => {
      c.onEvent = () => {
        c.onEvent = undefined;
        order.push("event");
        process.nextTick(() => order.push("tick"));
        void Promise.resolve().then(() => {
          order.push("promise");
          done();
        });
      };
      poke();
    });
    clearTimeout(keep);
    assert.deepEqual(order, ["event", "tick", "promise"]);
    c.close();
  });

  it("holds the process with ref, lets it go with unref", () => {
    inChild("unref");
    inChild("unrefFirst");
    assert.equal(inChild("ref"), "held");
    inChild("exitWatching");
  });

  it("turns an exception into one uncaughtException and goes on", () => {
    inChild("throws");
  });

  it("says once that events were lost, and goes on", async () => {
    const c = new Connection().monitor();
    assert.equal(loadBinding().setopt(c.handle, SOL_SOCKET, 8, int(4096)), 0);
    poke(400);
    await until(() => c.statuses.length > 0 && c.events.length > 0, "the loss");
    await sleep(20);
    assert.deepEqual(c.statuses, [ERRNO.ENOBUFS]);
    const before = c.events.length;
    assert(before < 400);
    poke(1);
    await until(() => c.events.length > before, "an event after the loss");
    c.close();
  });

  it("survives a storm of 50,000 changes from another process: all there, or told", async function () {
    this.timeout(60_000);
    const count = times(50_000);
    const c = new Connection({ slots: 32 }).monitor();
    const generator = spawn(process.execPath, [CHILD, "generate", String(count)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let rate = "";
    generator.stdout.on("data", (data) => {
      rate += data;
    });
    assert.equal(await new Promise((done) => generator.once("close", done)), 0);
    await sleep(50);
    const seen = c.events.length;
    assert(seen > 0);
    assert(seen >= count || c.statuses.length > 0, `${seen} of ${count} and no word`);
    assert(c.statuses.every((status) => status === ERRNO.ENOBUFS));
    c.events = [];
    poke();
    await until(() => c.events.length > 0, "an event after the storm");
    console.log(`      ${seen} of ${count} events, ${c.statuses.length} losses told, ${rate.trim()} changes/s`);
    c.close();
  });

  it("keeps a watched handle through garbage collection", () => {
    inChild("watchedSurvives");
  });

  it("closes inside the callback, and with data waiting", async () => {
    const c = new Connection().monitor();
    const closed = new Promise<number>((done) => {
      c.onEvent = () => {
        c.onEvent = undefined;
        done(c.close());
      };
    });
    poke();
    assert.equal(await closed, 0);
    const d = new Connection().monitor();
    poke(50);
    assert.equal(d.close(), 0);
    await sleep(20);
    assert.equal(d.events.length, 0);
  });

  it("adds no thread for a monitor", () => {
    inChild("monitorsAddNoThread");
  });
});

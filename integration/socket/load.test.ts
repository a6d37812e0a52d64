import assert from "node:assert";
import type { ChildProcess } from "node:child_process";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Netns } from "../../lib/netns/netns.ts";
import { Connection, command, NetlinkError, type SocketError } from "../../lib/socket/index.ts";
import { assertSandboxed } from "../../lib/testkit/sandbox.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../../lib/wire/index.ts";
import { load, needs } from "../../test/needs.ts";
import {
  begin,
  dellink,
  end,
  getlink,
  getroute,
  NFTABLES,
  newlink,
  newroute,
  newtable,
} from "../../test/socket/kinds.ts";

const CREATE = NLM_F_CREATE | NLM_F_EXCL;
const bridge = (ifname: string) => ({ header: {}, attrs: { ifname, linkinfo: { info: { kind: "bridge" } } } }) as const;
/** `count` pairs of links. No bridges: a namespace with 1000 of them takes the kernel 16 seconds to tear down. */
const pairs = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    command(newlink, { header: {}, attrs: { ifname: `b${n}`, linkinfo: { info: { kind: "veth" } } } }, CREATE),
  );
const named = (ifname: string) => ({ header: {}, attrs: { ifname } });

/** A program that does something to links until its input is closed. */
function other(netns: Netns, file: string, script: string): ChildProcess {
  return netns.run(file, ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
}
async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill();
  await exit;
}

describe("socket: a real kernel under load", () => {
  let netns: Netns;
  let connection: Connection;
  before(function () {
    load(this);
    assertSandboxed();
  });
  beforeEach(async () => {
    netns = await Netns.create();
    connection = Connection.open({ protocol: 0, netns: netns.fd });
  });
  afterEach(() => {
    connection.close();
    netns.close();
  });

  it("answers 200 callers with 50 requests each with what they asked for", async () => {
    await connection.batch(pairs(200));
    const { messages } = await connection.dump(getlink, { header: {} }, newlink);
    const index = new Map(messages.map(({ attrs, header }) => [attrs.ifname, header.index]));
    const caller = async (who: number): Promise<void> => {
      for (let n = 0; n < 50; n++) {
        const name = `b${(who + n) % 200}`;
        if (n % 10 === 3) {
          const error = await connection.request(dellink, named(`none-${who}`)).catch((error: unknown) => error);
          assert(error instanceof NetlinkError && error.absent);
        } else {
          const answer = await connection.get(getlink, named(name), newlink);
          assert.equal(answer.attrs.ifname, name);
          assert.equal(answer.header.index, index.get(name));
        }
      }
    };
    await Promise.all(Array.from({ length: 200 }, (_, who) => caller(who)));
    assert.deepEqual(connection.dropped, { forged: 0, stray: 0, broken: 0 });
  });

  it("reads 2000 links whole while another process makes and removes others", async function () {
    needs(this, "ip");
    assert((await connection.batch(pairs(1000))).every((error) => error === undefined));
    const read = async (): Promise<Set<string | undefined>> => {
      const { messages } = await connection.dump(getlink, { header: {} }, newlink);
      return new Set(messages.map(({ attrs }) => attrs.ifname));
    };
    const stable = await read();
    assert.equal(stable.size, 2001);
    const churn = other(netns, "sh", "while :; do ip link add churn type bridge; ip link del churn; sleep 0.02; done");
    try {
      for (let round = 0; round < 20; round++) {
        const seen = await read();
        for (const name of stable) assert(seen.has(name), `${name} is missing in round ${round}`);
      }
    } finally {
      await stop(churn);
    }
  }).timeout(60_000);

  it("does not believe what another process with privileges sends", async function () {
    needs(this, "python3");
    // Sends errors, ends of dumps and false links with every sequence number near, to our port.
    const forger = other(
      netns,
      "python3",
      `import socket,struct
s=socket.socket(socket.AF_NETLINK,socket.SOCK_RAW,0); s.bind((0,0)); n=0
while True:
  for q in range(1,400):
    for t,p in ((2,struct.pack("i",-1)+bytes(16)),(3,struct.pack("i",-1)),(16,struct.pack("IiII",0,4711,0,0))):
      try:
        s.sendto(struct.pack("IHHII",16+len(p),t,2,q,0)+p,(${connection.port},0)); n+=1
        if n==1: print("sent",flush=True)
      except OSError: pass`,
    );
    try {
      if (forger.stdout === null) throw new Error("no output");
      await once(forger.stdout, "data");
      let fine = 0;
      for (let n = 0; n < 100; n++) {
        try {
          const { header, attrs } = await connection.get(getlink, { header: { index: 1 } }, newlink);
          assert.equal(header.index, 1);
          assert.equal(attrs.ifname, "lo");
          const { messages } = await connection.dump(getlink, { header: {} }, newlink);
          assert.deepEqual(
            messages.map(({ attrs: { ifname } }) => ifname),
            ["lo"],
          );
          fine++;
        } catch (error) {
          // A flood may push the kernel's own answers out of the buffer: then that is what is said.
          assert.equal((error as SocketError).code, "ERR_OVERRUN");
        }
      }
      assert(fine > 0);
      assert(connection.dropped.forged > 0, "nothing was forged");
    } finally {
      await stop(forger);
    }
  }).timeout(60_000);

  it("reads on when an answer is longer than what was expected", async () => {
    await using small = Connection.open({ protocol: 0, netns: netns.fd, slot: 256 });
    await connection.batch(pairs(150));
    const { attrs } = await small.get(getlink, { header: { index: 1 } }, newlink);
    assert.equal(attrs.ifname, "lo");
    await using other = Connection.open({ protocol: 0, netns: netns.fd, slot: 256 });
    const { messages, consistent } = await other.dump(getlink, { header: {} }, newlink);
    assert.equal(messages.length, 301);
    assert(consistent);
  });

  it("adds and reads 20000 routes, streamed and at once", async () => {
    await connection.request(newlink, { header: { index: 1, flags: 1, change: 1 } });
    const routes = Array.from({ length: 20_000 }, (_, n) =>
      command(
        newroute,
        {
          header: { family: 2, dstLen: 32, table: 254, protocol: 99, scope: 253, type: 1 },
          attrs: { dst: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, oif: 1 },
        },
        CREATE,
      ),
    );
    assert((await connection.batch(routes)).every((error) => error === undefined));
    const again = await connection.batch(routes);
    assert(again.every((error, n) => error?.exists === true && error.index === n));
    const ours = (list: readonly { readonly header: { readonly protocol: number } }[]): number =>
      list.filter(({ header }) => header.protocol === 99).length;
    const { messages } = await connection.dump(getroute, { header: { family: 2 } }, newroute);
    assert.equal(ours(messages), 20_000);
    let streamed = 0;
    for await (const part of connection.stream(getroute, { header: { family: 2 } }, newroute)) {
      streamed += ours(part);
      if (streamed < 2000) await connection.get(getlink, { header: { index: 1 } }, newlink);
    }
    assert.equal(streamed, 20_000);
    for await (const part of connection.stream(getroute, { header: { family: 2 } }, newroute)) {
      assert(part.length > 0);
      break;
    }
    assert.equal((await connection.dump(getlink, { header: {} }, newlink)).messages.length, 1);
  });

  it("commits a transaction of 20000 commands, and none of one with a fault", async () => {
    await using nft = Connection.open({ protocol: 12, netns: netns.fd });
    const frame = [command(begin, NFTABLES), command(end, NFTABLES)] as const;
    const tables = Array.from({ length: 20_000 }, (_, n) =>
      command(newtable, { header: { family: 2 }, attrs: { name: `t${n % 5000}` } }, NLM_F_CREATE),
    );
    await nft.transaction(frame[0], tables, frame[1]);
    const twice = command(newtable, { header: { family: 2 }, attrs: { name: "t7" } }, CREATE);
    const error = await nft.transaction(frame[0], [...tables, twice], frame[1]).catch((error: unknown) => error);
    assert(error instanceof NetlinkError && error.exists);
    assert.equal(error.index, 20_000);
  });

  it("takes a new socket after a request that had no answer in time", async () => {
    const busy = connection.batch(pairs(500));
    const port = connection.port;
    const late = await connection
      .get(getlink, { header: { index: 1 } }, newlink, { timeout: 0 })
      .catch((e: unknown) => e);
    assert.equal((late as SocketError).code, "ERR_TIMEOUT");
    assert.notEqual(connection.port, port);
    assert.equal((await connection.get(getlink, { header: { index: 1 } }, newlink)).attrs.ifname, "lo");
    assert((await busy).every((error) => error === undefined));
    assert.equal((await connection.dump(getlink, { header: {} }, newlink)).messages.length, 1001);
  });

  it("holds up neither timers nor files nor names while the kernel is busy", async () => {
    const elsewhere = await Netns.create();
    await using there = Connection.open({ protocol: 0, netns: elsewhere.fd });
    await there.batch(pairs(1000));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    there.close();
    elsewhere.close(); // its links are torn down by the kernel now, under its global lock
    const until = performance.now() + 1500;
    let slowest = 0;
    const timed = async (what: () => Promise<unknown>): Promise<void> => {
      const start = performance.now();
      await what();
      slowest = Math.max(slowest, performance.now() - start);
    };
    const requests = (async () => {
      for (let n = 0; performance.now() < until; n++) {
        await connection.request(newlink, bridge(`x${n}`), CREATE);
        await connection.request(dellink, named(`x${n}`));
      }
    })();
    while (performance.now() < until) {
      await timed(() => readFile("/proc/self/stat"));
      await timed(() => lookup("localhost"));
      await sleep(1);
    }
    await requests;
    delay.disable();
    assert(delay.max / 1e6 < 100, `the event loop stood still for ${delay.max / 1e6} ms`);
    assert(slowest < 150, `a file or a name took ${slowest} ms`);
  }).timeout(30_000);
});

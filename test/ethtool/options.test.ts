import { deepEqual, equal, rejects } from "node:assert/strict";
import { Ethtool, type EthtoolConnection } from "../../lib/ethtool/ethtool.ts";
import type { EthtoolIoctl } from "../../lib/ethtool/ioctl.ts";
import { ethtoolFeatures } from "../../lib/ethtool/schema.ts";
import { genericBody } from "../../lib/families/generic.ts";
import { type CallOptions, Connection, NetlinkError } from "../../lib/socket/index.ts";
import { ScriptedTransport } from "../../lib/socket/recorded.ts";
import { Reader } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";

/** Each method with what it asks for: requests over netlink, the family's number among them, or ioctls. */
const CALLS: Readonly<
  Record<string, { readonly requests?: number; readonly ioctls?: number; readonly changes?: object }>
> = {
  features: { requests: 2 },
  set: { requests: 4, changes: { tso: false } },
  rings: { requests: 2 },
  setRings: { requests: 3, changes: { rx: 1 } },
  channels: { requests: 2 },
  setChannels: { requests: 3, changes: { rx: 1 } },
  coalesce: { requests: 2 },
  setCoalesce: { requests: 3, changes: { rxUsecs: 1 } },
  pause: { requests: 2 },
  setPause: { requests: 3, changes: { rx: true } },
  linkInfo: { requests: 2 },
  setLinkInfo: { requests: 3, changes: { port: "tp" } },
  linkModes: { requests: 2 },
  setLinkModes: { requests: 3, changes: { autoneg: true } },
  linkState: { requests: 2 },
  standardStatistics: { requests: 3 },
  statistics: { ioctls: 1 },
  driver: { ioctls: 1 },
};
type Call = (...args: readonly unknown[]) => Promise<unknown>;
function start(ethtool: Ethtool, method: string, options: CallOptions): Promise<unknown> {
  const { changes } = CALLS[method] ?? {};
  const args = changes === undefined ? ["eth0", options] : ["eth0", changes, options];
  return (ethtool[method as keyof Ethtool] as Call).apply(ethtool, args);
}
const unasked: EthtoolIoctl = async () => {
  throw new Error("asked all the same");
};

describe("ethtool: options of calls", () => {
  it("are taken by every method", () => {
    const methods = Object.getOwnPropertyNames(Ethtool.prototype).filter((name) => name !== "constructor");
    deepEqual(methods.sort(), Object.keys(CALLS).sort());
  });

  for (const [method, { requests = 0, ioctls = 0 }] of Object.entries(CALLS)) {
    it(`${method} hands them to each request`, async () => {
      const bytes = only("ethtool/veth-features.hex");
      const features = genericBody(ethtoolFeatures).read(new Reader(bytes), 16, bytes.length);
      const seen: (CallOptions | undefined)[] = [];
      let asked = 0;
      const connection = {
        get: async (_message: unknown, _value: unknown, { name }: { name: string }, options?: CallOptions) => {
          seen.push(options);
          if (name === "ETHTOOL_MSG_FEATURES_GET") return features;
          return { header: {}, attrs: name === "CTRL_CMD_GETFAMILY" ? { familyId: 20 } : {} };
        },
        request: async (_message: unknown, _value: unknown, _flags: number, options?: CallOptions) => {
          seen.push(options);
        },
      };
      const ethtool = new Ethtool(connection as unknown as EthtoolConnection, async () => {
        asked++;
      });
      const options = { timeout: 5 };
      await start(ethtool, method, options);
      deepEqual([seen.length, asked], [requests, ioctls]);
      for (const one of seen) equal(one, options);
    });

    it(`${method} ends when the signal says so`, async () => {
      const silent = Connection.over(new ScriptedTransport(() => []));
      const ethtool = new Ethtool(silent, unasked);
      const reason = new Error("enough");
      const controller = new AbortController();
      if (requests === 0) controller.abort(reason);
      const ended = rejects(start(ethtool, method, { signal: controller.signal }), (error) => error === reason);
      controller.abort(reason);
      await ended;
      silent.close();
    });
  }

  it("send no further ioctl to an old kernel", async () => {
    const refuse = async (): Promise<never> => {
      throw new NetlinkError({ errno: -2, request: "CTRL_CMD_GETFAMILY" });
    };
    const controller = new AbortController();
    const reason = new Error("enough");
    const asked: string[] = [];
    const ethtool = new Ethtool({ get: refuse, request: refuse }, async (_device, request, name) => {
      asked.push(name);
      const words = new Uint32Array(request.buffer, request.byteOffset, request.length >> 2);
      words[4] = 2; // so many features
      controller.abort(reason);
    });
    await rejects(ethtool.features("eth0", { signal: controller.signal }), (error) => error === reason);
    deepEqual(asked, ["ETHTOOL_GSSET_INFO"]);
  });
});

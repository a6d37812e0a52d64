/** The other way to a driver: one request, in a struct of C, to a device by name. */
import { loadBinding } from "../../native-bindings/index.ts";
import { NetlinkError } from "../socket/index.ts";
import { text, Writer } from "../wire/index.ts";

/** Sends a request, into which the answer is written. @throws {NetlinkError} in which the request is named so. */
export type EthtoolIoctl = (device: string, request: Uint8Array, name: string) => Promise<void>;

/** The bytes of a name, which are not always text. */
function bytesOf(name: string): Uint8Array {
  const out = new Writer(16);
  text.write(out, name);
  return out.finish().subarray(0, -1);
}

/** Requests to the devices of a namespace, by its descriptor; -1 is the caller's own. */
export function ethtoolIoctl(nsFd: number): EthtoolIoctl {
  return async (device, request, name) => {
    const result = await new Promise<number>((done) => {
      const status = loadBinding().ethtool(nsFd, bytesOf(device), request, done);
      if (status < 0) done(status);
    });
    if (result < 0) throw new NetlinkError({ errno: result, request: name });
  };
}

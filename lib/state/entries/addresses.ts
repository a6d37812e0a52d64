/** Addresses as entries of a document. */
import { canonicalAddress } from "../../addresses/words.ts";
import { interfaceAddress } from "../../shape/shape.ts";
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { addressShapes } from "../words.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";

/** Properties that `replace` changes; the others it acknowledges at most, as integration/attributes sees. */
const REPLACED = ["validLifetime", "preferredLifetime", "metric"];
const REPLACED6 = [...REPLACED, "protocol", "noprefixroute", "mngtmpaddr", "home"];

function again(words: Words): Words {
  const picked = pick(words, Object.keys(addressShapes));
  // Left out, it would be set.
  const bare = words["family"] === "inet" && words["broadcast"] === undefined && words["peer"] === undefined;
  return bare && !/\/3[12]$/.test(String(words["address"])) ? { ...picked, broadcast: "none" } : picked;
}

export const addresses: Sort = {
  object: "address",
  list: "addresses",
  writing: {
    shapes: addressShapes,
    needed: ["address", "dev"],
    place: "both",
    one: "an address",
    inLink: "an address such as 192.0.2.1/24, or a map with the key address",
    many: "addresses",
    short: { shape: interfaceAddress, expand: (address) => ({ address }) },
  },
  canonical: (words) => canonicalAddress(words as never) as unknown as Words,
  bucket: ({ dev, address }) => `${String(dev)} ${String(address)}`,
  same: (wanted, seen) => equal(wanted, seen, "dev", "address", "peer"),
  once: {
    // An IPv6 address, whatever its prefix and its other end; IPv4 addresses are there with each.
    place({ dev, address }) {
      const [ip = ""] = String(address).split("/");
      return ip.includes(":") ? `${String(dev)} ${ip}` : undefined;
    },
    fit: () => false,
  },
  subject: ({ address, dev }) => `${String(address)} on ${String(dev)}`,
  // Lifetimes run, and a duplicate check ends.
  uncompared: ["dev", "address", "peer", "validLifetime", "preferredLifetime", "optimistic", "nodad"],
  implied: () => [],
  create: (words) => request("address", "create", words),
  change(wanted, seen, differences) {
    const old = again(seen);
    const replaced = seen["family"] === "inet6" ? REPLACED6 : REPLACED;
    if (differences.every(({ field }) => replaced.includes(field)))
      return [move(request("address", "replace", { ...old, ...wanted }), request("address", "replace", old))];
    return [
      move(request("address", "delete", old), request("address", "create", old)),
      move(request("address", "create", wanted), request("address", "delete", wanted)),
    ];
  },
  again,
  restore: (words) => request("address", "create", words),
  isGiven: ({ temporary, dynamic, address }) =>
    temporary !== true && dynamic !== true && !/^fe80:/i.test(String(address)),
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  devices: ({ dev }) => [["dev", dev]],
};

/** Requests of `ip`, `bridge` and `wg` that a kernel took, under test/fixtures/requests. */
import { readdirSync } from "node:fs";
import { delmdb, setmdb, setlink as setvlan } from "../../lib/bridges/schema.ts";
import { genericBody, genericMessage } from "../../lib/families/generic.ts";
import { AF_BRIDGE } from "../../lib/families/route.ts";
import { fouPort } from "../../lib/fou/schema.ts";
import { getlink, newlink, setlink } from "../../lib/links/schema.ts";
import { macsecDevice } from "../../lib/macsec/schema.ts";
import { delneigh, newneigh } from "../../lib/neighbors/schema.ts";
import { setneightbl } from "../../lib/neighbors/table-schema.ts";
import { getnexthop, newnexthop } from "../../lib/nexthops/schema.ts";
import { getroute, newroute } from "../../lib/routes/schema.ts";
import { type Message, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { wgDevice } from "../../lib/wireguard/schema.ts";
import { only } from "../fixtures.ts";

/** A message of attributes. */
export type Attributes = Message<never, { readonly attrs: object }>;

/** The number of a family is each kernel's own. */
export const setdevice = genericMessage("WG_CMD_SET_DEVICE", 0, genericBody(wgDevice));
export const setmacsec = genericMessage("MACSEC_CMD", 0, genericBody(macsecDevice));
export const setfou = genericMessage("FOU_CMD", 0, genericBody(fouPort));
/** What begins the names of files with requests of a family; those of links are of another. */
const FAMILIES: readonly (readonly [beginning: RegExp, message: Attributes])[] = [
  [/^wireguard-/, setdevice],
  [/^macsec-(?!port)/, setmacsec],
  [/^fou-/, setfou],
];
const MESSAGES: readonly Attributes[] = [
  ...[
    newlink,
    setlink,
    getlink,
    newroute,
    getroute,
    newneigh,
    delneigh,
    newnexthop,
    getnexthop,
    setmdb,
    delmdb,
    setneightbl,
  ],
];
const AF_SPEC = 26;

function hasAttribute(bytes: Uint8Array, header: number, number: number): boolean {
  const from = new Reader(bytes);
  for (let at = NLMSG_HDRLEN + header; at + 4 <= bytes.length; at += ((from.u16[at >> 1] as number) + 3) & ~3)
    if (((from.u16[(at >> 1) + 1] as number) & 0x3fff) === number) return true;
  return false;
}

/** What reads a request; the kernel takes VLANs of a bridge's port in the place of another attribute of links. */
function messageOf(file: string, bytes: Uint8Array): Attributes {
  const family = FAMILIES.find(([beginning]) => beginning.test(file));
  if (family !== undefined) return family[1];
  const type = new Reader(bytes).u16[2];
  const isVlan = type === setvlan.type && bytes[NLMSG_HDRLEN] === AF_BRIDGE && hasAttribute(bytes, 16, AF_SPEC);
  const found = isVlan ? setvlan : MESSAGES.find((one) => one.type === type);
  if (found === undefined) throw new Error(`${file}: nothing reads messages of type ${type}`);
  return found;
}

/** A request, and what reads it. */
export interface Request {
  /** `requests/link-show`. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly message: Attributes;
}
/** All requests. */
export function requests(): Request[] {
  const files = readdirSync("test/fixtures/requests").filter((file) => file.endsWith(".hex"));
  return files.sort().map((name) => {
    const bytes = only(`requests/${name}`);
    return { file: `requests/${name.replace(".hex", "")}`, bytes, message: messageOf(name, bytes) };
  });
}

/**
 * A TLS server's certificate chain, made on the spot with node:crypto: large enough that the server's first flight
 * takes several full segments, which is what finds a wrong MTU.
 *
 * Source: RFC 5280, sections 4.1 and 4.2.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { ipv4, ipv6 } from "../wire/address.ts";
import { Writer } from "../wire/buffer.ts";
import * as asn1 from "./der.ts";

/** What the chain is to be like. */
export interface ChainOptions {
  /** Host names that the server answers to; the first is its subject. */
  readonly names?: readonly string[];
  /** Addresses that the server answers to. */
  readonly addresses?: readonly string[];
  /** `ec` is P-256 and quick to make; `rsa` has 2048 bits and takes its time. */
  readonly key?: "ec" | "rsa";
  /** Bytes that leaf and intermediate have together at least, filled up with host names. */
  readonly size?: number;
  /** Days that the certificates are valid; they are so since yesterday. */
  readonly days?: number;
}

/** What a server needs, and the root that a client needs. All in PEM. */
export interface CertificateChain {
  /** For the option `ca` of a client. */
  readonly root: string;
  /** Leaf and intermediate, for the option `cert` of a server. */
  readonly chain: string;
  /** For the option `key` of a server. */
  readonly key: string;
  /** Bytes of leaf and intermediate in DER: what the server sends in one flight. */
  readonly bytes: number;
}

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
interface Issuer extends Pair {
  readonly subject: string;
}

const ECDSA_SHA256 = asn1.sequence(asn1.oid("1.2.840.10045.4.3.2"));
const RSA_SHA256 = asn1.sequence(asn1.oid("1.2.840.113549.1.1.11"), asn1.nothing);
const DAY = 86_400_000;

function makePair(kind: "ec" | "rsa"): Pair {
  return kind === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("rsa", { modulusLength: 2048 });
}

const commonName = (text: string): Buffer =>
  asn1.sequence(asn1.set(asn1.sequence(asn1.oid("2.5.4.3"), asn1.utf8(text))));

function extension(id: string, content: Uint8Array, critical = false): Buffer {
  return asn1.sequence(asn1.oid(id), ...(critical ? [asn1.yes] : []), asn1.octets(content));
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

function addressBytes(address: string): Uint8Array {
  const out = new Writer(16);
  if (isIPv4(address)) ipv4.write(out, address);
  else if (isIPv6(address)) ipv6.write(out, address);
  else throw new TypeError(`cannot make a certificate: expected an IP address, got ${JSON.stringify(address)}`);
  return out.finish();
}

/** One certificate in DER. */
function certify(subject: string, key: KeyObject, issuer: Issuer, days: number, extensions: readonly Buffer[]): Buffer {
  const algorithm = issuer.privateKey.asymmetricKeyType === "ec" ? ECDSA_SHA256 : RSA_SHA256;
  const now = Date.now();
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const signed = asn1.sequence(
    asn1.explicit(0, asn1.integer(Buffer.from([2]))),
    asn1.integer(serial),
    algorithm,
    commonName(issuer.subject),
    asn1.sequence(asn1.time(new Date(now - DAY)), asn1.time(new Date(now + days * DAY))),
    commonName(subject),
    key.export({ type: "spki", format: "der" }),
    asn1.explicit(
      3,
      asn1.sequence(
        ...extensions,
        extension("2.5.29.14", asn1.octets(keyId(key))),
        extension("2.5.29.35", asn1.sequence(asn1.implicit(0, keyId(issuer.publicKey)))),
      ),
    ),
  );
  return asn1.sequence(signed, algorithm, asn1.bits(sign("sha256", signed, issuer.privateKey)));
}

/** Extensions of a certificate that signs others; `below` is how many signers may follow. */
function authority(below?: number): Buffer[] {
  const length = below === undefined ? [] : [asn1.integer(Buffer.from([below]))];
  return [
    extension("2.5.29.19", asn1.sequence(asn1.yes, ...length), true),
    extension("2.5.29.15", asn1.bits(Buffer.from([0x06]), 1), true), // keyCertSign, cRLSign
  ];
}

/** Extensions of the server's certificate. */
function server(names: readonly string[], addresses: readonly string[]): Buffer[] {
  const alternatives = [
    ...addresses.map((address) => asn1.implicit(7, addressBytes(address))),
    ...names.map((name) => asn1.implicit(2, Buffer.from(name, "ascii"))),
  ];
  return [
    extension("2.5.29.15", asn1.bits(Buffer.from([0x80]), 7), true), // digitalSignature
    extension("2.5.29.37", asn1.sequence(asn1.oid("1.3.6.1.5.5.7.3.1"))), // serverAuth
    extension("2.5.29.17", asn1.sequence(...alternatives)),
  ];
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Makes root, intermediate and leaf. Same as: openssl req -x509 …; openssl x509 -req -CA … */
export function makeChain(options: ChainOptions = {}): CertificateChain {
  const { names = ["server.example"], addresses = [], key = "ec", size = 5000, days = 30 } = options;
  const [subject = "server.example"] = names;
  const root: Issuer = { ...makePair(key), subject: "linkwright test root" };
  const middle: Issuer = { ...makePair(key), subject: "linkwright test intermediate" };
  const leaf = makePair(key);
  const rootDer = certify(root.subject, root.publicKey, root, days, authority());
  const middleDer = certify(middle.subject, middle.publicKey, root, days, authority(0));
  const filler: string[] = [];
  const make = (): Buffer => certify(subject, leaf.publicKey, middle, days, server([...names, ...filler], addresses));
  let leafDer = make();
  while (leafDer.length + middleDer.length < size) {
    // A name takes 42 bytes and two more for its tag and length.
    const more = Math.max(1, Math.floor((size - leafDer.length - middleDer.length) / 44));
    for (let i = 0; i < more; i++)
      filler.push(`host${String(filler.length).padStart(4, "0")}.a-rather-long-name.example.invalid`.slice(0, 42));
    leafDer = make();
  }
  return {
    root: pem(rootDer),
    chain: pem(leafDer) + pem(middleDer),
    key: leaf.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    bytes: leafDer.length + middleDer.length,
  };
}

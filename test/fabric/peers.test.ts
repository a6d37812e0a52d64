/** What one host's document knows of the other hosts, and what is said where it lacks something of them. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { checkAll, derive, hostsOf } from "../../lib/fabric/fabric.ts";
import { substitute, VariableError } from "../../lib/fabric/variables.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { parseSource, type Source } from "../../lib/state/source.ts";

const DOCUMENT = `linkwright: 1
hosts:
  a: { underlay: eth0, vtep: 192.0.2.1 }
  b: { underlay: eth1, vtep: 192.0.2.2 }
  c: { underlay: eth2, vtep: 192.0.2.3 }
links:
  br0: { kind: bridge, addresses: { a: [10.0.0.1/24], b: [10.0.0.2/24, { address: 10.0.0.3/24 }, { address: 10.0.0.4/24, state: absent }] } }
  $underlay: { mtu: 1500, addresses: ["\${vtep}/24"] }
  gone: { kind: dummy, state: absent }
  plain: { kind: dummy }
addresses:
  b: [{ dev: br0, address: 10.9.0.2/24 }, { dev: br0, address: 10.9.0.3/24, state: absent }]
`;

describe("the other hosts of a document", () => {
  const source = (): Source => parseSource(DOCUMENT, "f.yaml");

  it("are told with their ends of tunnels and their addresses, to each host but itself", () => {
    const peers = derive(source(), "a").peers?.();
    deepEqual(peers, [
      {
        name: "b",
        vtep: "192.0.2.2",
        addresses: [
          { dev: "br0", address: "10.0.0.2/24" },
          { dev: "br0", address: "10.0.0.3/24" },
          { dev: "eth1", address: "192.0.2.2/24" },
          { dev: "br0", address: "10.9.0.2/24" },
        ],
      },
      { name: "c", vtep: "192.0.2.3", addresses: [{ dev: "eth2", address: "192.0.2.3/24" }] },
    ]);
    deepEqual(
      derive(source(), "c")
        .peers?.()
        .map(({ name }) => name),
      ["a", "b"],
    );
  });

  it("have no end of a tunnel where the document says none", () => {
    const bare = parseSource("linkwright: 1\nhosts: { a: { vtep: 192.0.2.1 }, b: {} }", "f.yaml");
    deepEqual(derive(bare, "a").peers?.(), [{ name: "b", addresses: [] }]);
  });

  it("are named in their order, and each has its document checked", () => {
    deepEqual(hostsOf(source()), ["a", "b", "c"]);
    deepEqual([...checkAll(source()).keys()], ["a", "b", "c"]);
  });

  it("leave a place in the file to what was derived from it", () => {
    const derived = derive(source(), "b");
    deepEqual(derived.origin(["links", "eth1", "mtu"]), ["links", "$underlay", "mtu"]);
    deepEqual(derived.origin(["links", "br0", "addresses", 1]), ["links", "br0", "addresses", "b", 1]);
    deepEqual(derived.origin(["nowhere"]), ["nowhere"]);
    deepEqual(derived.locate(["links", "eth1", "mtu"]), { line: 8, column: 21 });
    deepEqual(derived.locateKey(["links", "eth1", "mtu"]), { line: 8, column: 16 });
    deepEqual(derived.underlay, { name: "eth1", path: ["hosts", "b", "underlay"] });
    equal(derived.file, "f.yaml");
    deepEqual(Object.keys(derived.value as object), ["linkwright", "links", "addresses"]);
  });
});

describe("a variable", () => {
  const TABLE: readonly (readonly [
    text: string,
    hosts: Parameters<typeof substitute>[1],
    message: string,
    host?: string,
  ])[] = [
    ["$peer", { a: {} }, "$peer is the other host, and there is only one; add a host"],
    ["$peer", { a: {}, b: {} }, "$peer is the vtep of b, which has none; write hosts.b.vtep", "b"],
    [
      "$peer",
      { a: {}, b: { vtep: "192.0.2.2" }, c: {} },
      "$peer is for two hosts, and there are 3; write flood: unicast in place of remote: $peer",
    ],
    ["$vtep", { a: { underlay: "eth0" } }, "$vtep: host a has none; write hosts.a.vtep", "a"],
    ["$underlay", { a: { vtep: "192.0.2.1" } }, "$underlay: host a has none; write hosts.a.underlay", "a"],
    ["$hosts", { a: {} }, "unknown variable $hosts; did you mean $host?"],
    ["$x", { a: {} }, "unknown variable $x; known are $host, $peer, $underlay, $vtep"],
  ];
  for (const [text, hosts, message, host] of TABLE)
    it(`is refused: ${message}`, () =>
      throws(
        () => substitute(text, hosts, "a"),
        (error) => {
          ok(error instanceof VariableError);
          deepEqual([error.message, error.host], [message, host]);
          return true;
        },
      ));

  it("stands wherever text does, as often as it likes", () => {
    const hosts = { a: { underlay: "eth0", vtep: "192.0.2.1" }, b: { vtep: "192.0.2.2" } };
    equal(substitute("$vtep$peer-$host", hosts, "a"), "192.0.2.1192.0.2.2-a");
    equal(substitute("$$$host$", hosts, "a"), "$a$");
    equal(substitute("no dollars", hosts, "a"), "no dollars");
  });

  it("that a host lacks is one mistake, at the host, however often it is missed", () => {
    const text =
      "linkwright: 1\nhosts: { a: {} }\nlinks:\n  v: { kind: dummy, alias: $vtep }\n  w: { kind: dummy, alias: $vtep }";
    throws(
      () => derive(parseSource(text, "f.yaml"), "a"),
      (error) => {
        ok(error instanceof ConfigError);
        equal(error.message, "f.yaml:2:10: hosts.a: $vtep: host a has none; write hosts.a.vtep");
        return true;
      },
    );
  });
});

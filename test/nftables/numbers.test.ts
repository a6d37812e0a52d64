import assert from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { NFNL_SUBSYS_NFTABLES, NFT_MSG } from "../../lib/families/netfilter.ts";
import { kinds } from "../../lib/nftables/expressions/index.ts";
import { chainAttrs, objectAttrs, ruleAttrs, tableAttrs } from "../../lib/nftables/messages.ts";
import type { AnySchema } from "../../lib/wire/index.ts";
import { skip } from "../needs.ts";

const header = "/usr/include/linux/netfilter/nf_tables.h";

/** The enums of a C header: name to number. */
function enums(source: string): Map<string, number> {
  const numbers = new Map<string, number>();
  const text = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^#.*(\\\n.*)*$/gm, "");
  for (const [, body = ""] of text.matchAll(/enum\s+\w+\s*\{([^}]*)\}/g)) {
    let next = 0;
    for (const item of body.split(",")) {
      const [, name, value] = /^\s*(\w+)\s*(?:=\s*([-\w]+))?/.exec(item) ?? [];
      if (name === undefined) continue;
      next = value === undefined ? next : Number(value);
      numbers.set(name, next++);
    }
  }
  return numbers;
}

describe("nftables: numbers against the kernel's header", () => {
  let numbers = new Map<string, number>();
  before(function () {
    if (!existsSync(header)) skip(this, `${header} is missing; apt-get install linux-libc-dev`);
    numbers = enums(readFileSync(header, "utf8"));
  });

  it("messages", () => {
    assert.strictEqual(NFNL_SUBSYS_NFTABLES, 10);
    for (const [name, number] of Object.entries(NFT_MSG))
      assert.strictEqual(numbers.get(`NFT_MSG_${name}`), number, name);
  });

  const schemas: readonly (readonly [string, AnySchema])[] = [
    ["NFTA_TABLE", tableAttrs],
    ["NFTA_CHAIN", chainAttrs],
    ["NFTA_RULE", ruleAttrs],
    ["NFTA_OBJ", objectAttrs],
    ...Object.values(kinds).map((schema) => [(schema as { name: string }).name, schema as AnySchema] as const),
  ];
  for (const [prefix, schema] of schemas)
    it(prefix, () => {
      for (const [key, field] of Object.entries(schema.fields)) {
        const name = `${prefix}_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
        assert.strictEqual(field.claims[0], numbers.get(name), name);
      }
    });

  it("the words of keys and operators", () => {
    const words: readonly (readonly [string, readonly string[]])[] = [
      ["NFT_META_", ["LEN", "PROTOCOL", "PRIORITY", "MARK", "IIF", "OIF", "IIFNAME", "OIFNAME"]],
      ["NFT_CMP_", ["EQ", "NEQ", "LT", "LTE", "GT", "GTE"]],
      ["NFT_RT_", ["CLASSID", "NEXTHOP4", "NEXTHOP6", "TCPMSS", "XFRM"]],
      ["NFT_EXTHDR_OP_", ["IPV6", "TCPOPT", "IPV4", "SCTP", "DCCP"]],
    ];
    for (const [prefix, names] of words)
      for (const [number, name] of names.entries())
        assert.strictEqual(numbers.get(prefix + name), number, prefix + name);
    assert.strictEqual(numbers.get("NFT_META_NFPROTO"), 15);
    assert.strictEqual(numbers.get("NFT_META_L4PROTO"), 16);
    assert.strictEqual(numbers.get("NFT_META_BRI_IIFNAME"), 17);
    assert.strictEqual(numbers.get("NFT_JUMP"), -3);
    assert.strictEqual(numbers.get("NFT_RETURN"), -5);
  });
});

import assert from "node:assert/strict";
import { NetnsError } from "../../lib/netns/error.ts";
import { checkNetnsName, Netns } from "../../lib/netns/netns.ts";

describe("netns: names", () => {
  for (const name of ["a", "blue", "_x", "0", "a.b-c_d", "x".repeat(64)])
    it(`accepts ${name}`, () => checkNetnsName(name));

  const hostile: readonly unknown[] = [
    ...["", ".", "..", "a..b", ".hidden", "-rf", "a/b", "../x", "a b", "a\nb", "a\0b", "ä", "a;b", "$(x)", "`x`", "*"],
    ...["x".repeat(65), "\u001b[31m", "a\\b", "a%d", "\udc80", undefined, null, 7, {}, ["a"]],
  ];
  for (const name of hostile)
    it(`refuses ${JSON.stringify(name)?.slice(0, 40)}`, async () => {
      const wrong = (error: unknown): boolean => {
        assert(error instanceof NetnsError);
        assert.equal(error.code, "ERR_NETNS_NAME");
        // biome-ignore lint/suspicious/noControlCharactersInRegex: a hostile name must not reach a terminal
        assert.doesNotMatch(error.message, /[\x00-\x1f]/);
        return true;
      };
      assert.throws(() => checkNetnsName(name), wrong);
      await assert.rejects(Netns.remove(name as string), wrong);
      if (name !== undefined) await assert.rejects(Netns.create(name as string), wrong);
    });

  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 60])
    it(`opens no process ${pid}`, () => assert.throws(() => Netns.open({ pid }), { code: "ESRCH" }));
});

import { deepEqual } from "node:assert/strict";
import { lex } from "../../lib/import/lexer.ts";

/** Statements as texts: words, then what they are joined by and redirected to. */
function told(text: string): string[] {
  const lines = text.split("\n").map((one, i) => ({ number: i + 1, text: one }));
  return lex(lines).statements.map(({ line, words, redirections, hereDocument, joined }) =>
    [
      `${line}:`,
      ...words.map((word) => JSON.stringify(word.text) + (word.expansion === undefined ? "" : `!${word.expansion}`)),
      ...redirections.map(({ kind, target }) => `${kind} ${target.text}`),
      ...(hereDocument === undefined ? [] : [`<<${hereDocument.line}:${hereDocument.lines.join("|")}`]),
      ...(joined === undefined ? [] : [joined]),
    ].join(" "),
  );
}

const CASES: readonly (readonly [text: string, ...statements: string[]])[] = [
  ["ip link  add\tbr0", '1: "ip" "link" "add" "br0"'],
  ["# a comment", ...[]],
  ["ip a # a comment; ip b", '1: "ip" "a"'],
  ["ip a#b", '1: "ip" "a#b"'],
  ["a; b && c || d | e & f", '1: "a"', '1: "b" &&', '1: "c" ||', '1: "d" |', '1: "e" &', '1: "f"'],
  ["a \\\n  b \\\n  c\nd", '1: "a" "b" "c"', '4: "d"'],
  ["a \\\r\n b\r", '1: "a" "b"'],
  ["echo 'a b' \"c 'd'\" e\\ f", `1: "echo" "a b" "c 'd'" "e f"`],
  ["'it'\\''s'", `1: "it's"`],
  ["a\u2008b\u00a0c >\u3000d", '1: "a" "b" "c" out d'],
  ['"a\\"b\\$c"', '1: "a\\"b$c"'],
  ["'a\nb' c\nd", '1: "a\\nb" "c"', '3: "d"'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a shell's, and stays as it is
  ["a $DEV ${X} $(b c) `d`", '1: "a" "$DEV"!$DEV "${X}"!${X} "$(b c)"!$(b c) "`d`"!`d`'],
  ["a \"x$DEV\" '$DEV'", '1: "a" "x$DEV"!$DEV "$DEV"'],
  ["ls *.c", '1: "ls" "*.c"!*.c'],
  ["echo 1 >/proc/x", '1: "echo" "1" out /proc/x'],
  ["echo 1 >> f 2>/dev/null 2>&1", '1: "echo" "1" append f'],
  ["cat <<EOF >f\na b\n# c\nEOF\nd", '1: "cat" out f <<2:a b|# c', '5: "d"'],
  ["cat <<-'EOF'\n\ta $X\n\tEOF\nb", '1: "cat" <<2:a $X', '4: "b"'],
  ["nft add chain ip t c { type nat \\; }", '1: "nft" "add" "chain" "ip" "t" "c" "{" "type" "nat" ";" "}"'],
];

describe("import: lines of a shell", () => {
  for (const [text, ...statements] of CASES)
    it(`takes apart: ${JSON.stringify(text)}`, () => {
      deepEqual(told(text), statements);
    });

  it("tells what has no end", () => {
    const unfinished = (text: string) =>
      lex(text.split("\n").map((one, i) => ({ number: i + 1, text: one }))).unfinished;
    deepEqual(unfinished("a 'b\nc"), [{ line: 1, what: "a quote ' is not closed" }]);
    deepEqual(unfinished("a <<EOF\nc"), [{ line: 1, what: "the here-document has no end: no line is EOF" }]);
    deepEqual(unfinished("a \\"), []);
  });
});

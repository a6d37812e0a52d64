import assert from "node:assert";
import { parseRequest } from "../../lib/cli/arguments.ts";
import { COMMANDS } from "../../lib/cli/commands.ts";
import { distance, nearest } from "../../lib/cli/spelling.ts";

const parse = (line: string) => parseRequest(COMMANDS, line === "" ? [] : line.split(" "));

/** The command that a line stands for, as one line. */
function told(line: string): string {
  const request = parse(line);
  if (request.kind === "help") return `help:${request.words}`;
  if (request.kind === "version") return "version";
  const { command, operands, rest, given } = request;
  return JSON.stringify([command.name, operands, rest, given]);
}

describe("command line", () => {
  const good: readonly (readonly [string, string])[] = [
    ["", "help:"],
    ["--help", "help:"],
    ["-h", "help:"],
    ["help", "help:"],
    ["help lab run", "help:lab run"],
    ["lab", "help:lab"],
    ["lab --help", "help:lab"],
    ["plan -h", "help:plan"],
    ["plan --help file", "help:plan"],
    ["--version", "version"],
    ["-V", "version"],
    ["plan a.yaml", '["plan",["a.yaml"],[],{}]'],
    ["plan a.yaml --host bm1 --json", '["plan",["a.yaml"],[],{"host":"bm1","json":true}]'],
    ["--json plan --host=bm1 a.yaml", '["plan",["a.yaml"],[],{"json":true,"host":"bm1"}]'],
    ["plan a.yaml --host=-odd", '["plan",["a.yaml"],[],{"host":"-odd"}]'],
    ["sandbox -- ls -l --help", '["sandbox",[],["ls","-l","--help"],{}]'],
    ["lab run a.yaml vm1 -- ping -c1 --json", '["lab run",["a.yaml","vm1"],["ping","-c1","--json"],{}]'],
    ["lab up a.yaml --guest-mtu 1500 --no-gso", '["lab up",["a.yaml"],[],{"guest-mtu":"1500","no-gso":true}]'],
  ];
  for (const [line, meaning] of good)
    it(`takes: linkwright ${line}`, () => {
      assert.equal(told(line), meaning);
    });

  const bad: readonly (readonly [string, string])[] = [
    ["shwo", "there is no command shwo (did you mean show?); linkwright --help lists them"],
    ["frobnicate", "there is no command frobnicate; linkwright --help lists them"],
    ["lab rnu a", "there is no command lab rnu (did you mean run?)"],
    ["help plna", "there is no command plna (did you mean plan?); linkwright --help lists them"],
    ["plan --jsno a", "there is no option --jsno (did you mean --json?)"],
    ["plan -x a", "there is no option -x"],
    ["plan", "plan needs FILE: linkwright plan FILE"],
    ["plan a b", 'plan does not take "b": linkwright plan FILE'],
    ["plan a --host", "--host needs a value: --host NAME"],
    ["plan a --host --json", "--host needs a value: --host NAME"],
    ["plan a --host=", "--host needs a value: --host NAME"],
    ["plan a --json=yes", '--json takes no value, got "yes"'],
    ["show --host bm1", "show has no option --host; linkwright show --help lists them"],
    ["verify a --allow-recreate", "verify has no option --allow-recreate; linkwright verify --help lists them"],
    ["sandbox", "sandbox needs a program: linkwright sandbox -- COMMAND…"],
    ["sandbox --", "sandbox needs a program: linkwright sandbox -- COMMAND…"],
    ["sandbox ls", 'sandbox does not take "ls"; the program stands after --: linkwright sandbox -- COMMAND…'],
    ["lab run a.yaml", "lab run needs NODE: linkwright lab run FILE NODE -- COMMAND…"],
    ["plan a -- b", "plan runs no program: linkwright plan FILE"],
    ["plan --__proto__ a", "there is no option --__proto__"],
    ["plan --constructor a", "there is no option --constructor"],
  ];
  for (const [line, reason] of bad)
    it(`refuses: linkwright ${line}`, () => {
      assert.throws(() => parse(line), { code: "ERR_USAGE", message: reason });
    });

  it("has examples for every command that it takes itself", () => {
    for (const command of COMMANDS) {
      const own = command.examples.filter(([line]) => line.startsWith(`linkwright ${command.name}`));
      assert.ok(own.length > 0, command.name);
      for (const [line] of own) {
        const words = line
          .replace(/ \|.*$/, "")
          .split(" ")
          .slice(1);
        assert.equal(parseRequest(COMMANDS, words).kind, "command", line);
      }
    }
  });
});

describe("did you mean", () => {
  it("counts typed, missing, changed and swapped letters", () => {
    const pairs: readonly (readonly [string, string, number])[] = [
      ["plan", "plan", 0],
      ["plna", "plan", 1],
      ["pln", "plan", 1],
      ["plane", "plan", 1],
      ["plum", "plan", 2],
      ["", "plan", 4],
    ];
    for (const [a, b, steps] of pairs) {
      assert.equal(distance(a, b), steps, `${a} ${b}`);
      assert.equal(distance(b, a), steps, `${b} ${a}`);
    }
  });

  it("keeps quiet when nothing is near", () => {
    assert.equal(nearest("xyzzy", ["plan", "apply"]), undefined);
    assert.equal(nearest("ver", ["plan", "verify"]), "verify");
  });
});

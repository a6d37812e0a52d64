import assert from "node:assert/strict";
import {
  assertSandboxed,
  explainObstacle,
  runInSandbox,
  SANDBOX_VARIABLE,
  SandboxError,
} from "../../lib/testkit/sandbox.ts";

describe("testkit: the guard of the sandbox", () => {
  const refused: readonly (readonly [string, NodeJS.ProcessEnv, string])[] = [
    ["outside of any sandbox", {}, "7"],
    ["in the namespace outside", { [SANDBOX_VARIABLE]: "7" }, "7"],
    ["with an empty mark", { [SANDBOX_VARIABLE]: "" }, "7"],
    ["with a mark that is no inode", { [SANDBOX_VARIABLE]: "yes" }, "7"],
  ];
  for (const [title, env, current] of refused)
    it(`refuses ${title}`, () => {
      assert.throws(() => assertSandboxed(env, () => current), {
        code: "ERR_NOT_SANDBOXED",
        message: /^refusing to touch the network of this machine/,
      });
    });
  it("lets in who is inside", () => assertSandboxed({ [SANDBOX_VARIABLE]: "7" }, () => "8"));
});

describe("testkit: why there is no sandbox", () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, boolean, string, RegExp])[] = [
    ["user/max_user_namespaces", { "user/max_user_namespaces": "0" }, true, "user.max_user_namespaces", /=15000$/],
    [
      "a distribution's switch",
      { "kernel/unprivileged_userns_clone": "0" },
      true,
      "kernel.unprivileged_userns_clone",
      /=1$/,
    ],
    [
      "AppArmor",
      { "kernel/apparmor_restrict_unprivileged_userns": "1" },
      true,
      "kernel.apparmor_restrict_unprivileged_userns",
      /=0$/,
    ],
    ["no network namespaces", { "user/max_net_namespaces": "0" }, false, "user.max_net_namespaces", /=15000$/],
    [
      "root, whom user namespaces do not matter to",
      { "user/max_user_namespaces": "0" },
      false,
      "unshare",
      /not permitted/,
    ],
    [
      "a container",
      { "user/max_user_namespaces": "99" },
      true,
      "unshare",
      /unshare failed: Operation not permitted; in a container/,
    ],
  ];
  for (const [title, settings, user, obstacle, words] of cases)
    it(`names ${title}`, () => {
      const said = "unshare: unshare failed: Operation not permitted\n";
      const error = explainObstacle(user, said, (file) => settings[file]);
      assert.equal(error.code, "ERR_SANDBOX");
      assert.equal(error.obstacle, obstacle);
      assert.match(error.message, words);
      assert.equal(error.message.split("\n").length, 1);
    });

  it("names unshare where it is missing", async () => {
    await assert.rejects(runInSandbox(["true"], { env: { PATH: "/nonexistent" } }), (error) => {
      assert(error instanceof SandboxError);
      assert.match(error.message, /package util-linux/);
      return error.obstacle === "unshare";
    });
  });
  it("wants a command", async () => assert.rejects(runInSandbox([]), { code: "ERR_SANDBOX" }));
});

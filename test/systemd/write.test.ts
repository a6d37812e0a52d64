/** Files that are changed together: looked at first, and put back where one of them cannot be written. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { candidates, LASTING, RUNTIME } from "../../lib/systemd/places.ts";
import { seal } from "../../lib/systemd/provenance.ts";
import { changeFiles, putBack, surveyFiles } from "../../lib/systemd/write.ts";

const A = `${LASTING.network}/10-linkwright-a.network`;
const B = `${LASTING.network}/10-linkwright-b.network`;

describe("files that are changed together", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "linkwright-test-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const names = (): readonly string[] => readdirSync(join(root, LASTING.network)).sort();

  it("are told as changes: new, other, no longer wanted; what is as it should be is none", async () => {
    const [one, two] = [seal("one\n"), seal("two\n")];
    const first = await surveyFiles(root, [{ path: A, text: one }]);
    deepEqual(first, [{ path: A, after: one }]);
    await changeFiles(root, first);
    deepEqual(await surveyFiles(root, [{ path: A, text: one }]), []);
    deepEqual(await surveyFiles(root, [{ path: B, text: two }], await candidates(root, LASTING)), [
      { path: B, after: two },
      { path: A, before: one },
    ]);
    deepEqual(await surveyFiles(root, [{ path: A, text: two }]), [{ path: A, before: one, after: two }]);
  });

  it("can be read by networkd whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      await changeFiles(root, [{ path: A, after: seal("one\n") }]);
    } finally {
      process.umask(before);
    }
    for (const path of [LASTING.network, "/etc"]) equal(statSync(join(root, path)).mode & 0o777, 0o755);
  });

  it("are as they were where one cannot be written", async () => {
    const one = seal("one\n");
    await changeFiles(root, [{ path: A, after: one }]);
    mkdirSync(join(root, B));
    const changes = [
      { path: A, before: one, after: seal("other\n") },
      { path: `${LASTING.network}/10-linkwright-c.network`, after: one },
      { path: B, after: one },
    ];
    await rejects(changeFiles(root, changes), { code: "EISDIR" });
    rmSync(join(root, B), { recursive: true });
    deepEqual([read(A), names()], [one, ["10-linkwright-a.network"]]);
  });

  it("are put back: what was new is gone, what was removed is there again", async () => {
    const one = seal("one\n");
    await changeFiles(root, [{ path: A, after: one }]);
    const changes = await surveyFiles(root, [{ path: B, text: one }], [A]);
    await changeFiles(root, changes);
    deepEqual(names(), ["10-linkwright-b.network"]);
    await putBack(root, changes);
    deepEqual([names(), read(A)], [["10-linkwright-a.network"], one]);
  });

  it("are put back as far as they were changed, with what is left of one; not where somebody edited it since", async () => {
    const [one, two] = [seal("one\n"), seal("two\n")];
    await changeFiles(root, [{ path: A, after: one }]);
    const changes = [
      { path: A, before: one, after: two },
      { path: B, after: two },
      { path: "/etc/systemd/network/x.network.d/90-linkwright.conf", after: two },
    ];
    writeFileSync(join(root, LASTING.network, `.linkwright-${"0".repeat(16)}`), "tw");
    mkdirSync(join(root, LASTING.network, "x.network.d"));
    await putBack(root, changes);
    deepEqual([names(), read(A)], [["10-linkwright-a.network"], one]);
    await changeFiles(root, changes);
    writeFileSync(join(root, A), "mine");
    await rejects(
      putBack(root, changes),
      /10-linkwright-a\.network: was changed since by somebody else, and is left as it is/,
    );
    deepEqual([names(), read(A)], [["10-linkwright-a.network"], "mine"]);
  });

  it("are not taken from somebody else, nor from whoever edited one", async () => {
    mkdirSync(join(root, LASTING.network), { recursive: true });
    writeFileSync(join(root, A), "[Match]\nName=a\n");
    deepEqual(await surveyFiles(root, [], await candidates(root, LASTING)), []);
    await rejects(surveyFiles(root, [{ path: A, text: seal("one\n") }]), /somebody else's/);
    writeFileSync(join(root, A), seal("one\n").replace("one", "mine"));
    await rejects(surveyFiles(root, [], await candidates(root, LASTING)), /changed by hand/);
  });

  it("are not written over units that systemctl linked: how to take those away is said", async () => {
    const text = seal("[Unit]\n");
    const file = join(root, LASTING.recoverUnit);
    mkdirSync(dirname(file), { recursive: true });
    for (const [target, way] of [
      ["/usr/lib/node_modules/linkwright/systemd/linkwright-recover.service", "disable"],
      ["/dev/null", "unmask"],
    ] as const) {
      symlinkSync(target, file);
      await rejects(surveyFiles(root, [{ path: LASTING.recoverUnit, text }]), {
        code: "ERR_FILE_NOT_OURS",
        message: `${file}: a link to ${target}; take it away first: systemctl ${way} linkwright-recover.service`,
      });
      rmSync(file);
    }
  });

  it("have other places until the next boot", async () => {
    deepEqual(
      Object.values({ ...RUNTIME }).filter((path) => !path.startsWith("/run/")),
      [],
    );
    deepEqual(await candidates(root, RUNTIME), Object.values({ ...RUNTIME }).slice(1));
  });
});

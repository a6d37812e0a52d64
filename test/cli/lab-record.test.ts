import assert from "node:assert";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  doorOf,
  findRunning,
  type LabRecord,
  labFiles,
  outerPid,
  readRecord,
  recordDirectory,
  recordPath,
  removeRecord,
  startOf,
  writeRecord,
} from "../../lib/cli/lab-record.ts";

describe("lab: where a running one is written down", () => {
  let base = "";
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "linkwright-test-"));
  });
  afterEach(() => {
    rmSync(base, { recursive: true, force: true });
  });

  const record = (more: Partial<LabRecord> = {}): LabRecord => ({
    file: "/x.yaml",
    pid: outerPid(),
    started: startOf(outerPid()) ?? "",
    nodes: { vm1: 20 },
    ...more,
  });

  it("makes a directory for this user alone, and refuses one that is not", () => {
    const directory = recordDirectory(base);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(recordDirectory(base), directory);
    chmodSync(directory, 0o770);
    assert.throws(() => recordDirectory(base), { code: "ERR_LAB_DIRECTORY" });
    rmSync(directory, { recursive: true });
    mkdirSync(join(base, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(base, "elsewhere"), directory);
    assert.throws(() => recordDirectory(base), { code: "ERR_LAB_DIRECTORY" });
  });

  it("finds the same record by any path of the document, and says where there is none", () => {
    const file = join(base, "a.yaml");
    writeFileSync(file, "");
    symlinkSync(file, join(base, "b.yaml"));
    assert.equal(recordPath("/d", file), recordPath("/d", join(base, "b.yaml")));
    assert.throws(() => recordPath("/d", join(base, "c.yaml")), { code: "ENOENT" });
  });

  it("knows a running lab from a dead one, and from a later process with its number", () => {
    const path = join(base, "lab.json");
    assert.equal(readRecord(path), undefined);
    writeRecord(path, record());
    assert.deepEqual(readRecord(path), record());
    assert.throws(() => writeRecord(path, record()), { code: "ERR_LAB_UP" });
    removeRecord(path, 1);
    assert.notEqual(readRecord(path), undefined);
    removeRecord(path, outerPid());
    assert.equal(readRecord(path), undefined);
    for (const stale of [
      "",
      "{",
      "null",
      "[]",
      JSON.stringify(record({ started: "1" })),
      JSON.stringify(record({ pid: 0 })),
    ]) {
      writeFileSync(path, stale);
      assert.equal(readRecord(path), undefined, stale);
    }
    writeRecord(path, record());
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("takes away what killed labs left, and nothing of one that lives or comes up", () => {
    const file = join(base, "a.yaml");
    writeFileSync(file, "");
    const path = recordPath(base, file);
    const there = (): string[] => readdirSync(base).filter((name) => name.startsWith("lab-"));
    const files = labFiles(path);
    mkdirSync(join(files.path, "linkwright-bm1-x"));
    mkdirSync(`${files.path}1`);
    writeFileSync(doorOf(path), "");
    writeFileSync(path, JSON.stringify(record({ started: "1" })));
    writeFileSync(join(base, "lab-other.json"), "");
    assert.equal(findRunning(file, base), undefined);
    assert.deepEqual(there().sort(), [basename(files.path), "lab-other.json"].sort());
    writeRecord(path, record());
    writeFileSync(doorOf(path), "");
    assert.deepEqual(findRunning(file, base), record());
    assert.equal(there().length, 4);
    files[Symbol.dispose]();
    assert.equal(there().length, 3);
  });

  it("follows no link", () => {
    writeFileSync(join(base, "real.json"), JSON.stringify(record()));
    symlinkSync("real.json", join(base, "lab.json"));
    assert.equal(readRecord(join(base, "lab.json")), undefined);
  });
});

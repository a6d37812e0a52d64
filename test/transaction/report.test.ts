/** Which report of a guardian is told, and what makes it old news. */
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "../../lib/host.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { bootId } from "../../lib/transaction/boot.ts";
import { discard } from "../../lib/transaction/ending.ts";
import {
  completeReport,
  describeReport,
  forgetReport,
  leaveReport,
  type Report,
  takeReport,
} from "../../lib/transaction/report.ts";
import { namespaceOf, Store } from "../../lib/transaction/store.ts";

describe("the report of a guardian", () => {
  let netns: Netns;
  let host: Host;
  let folder: string;
  let directory: string;
  let report: Report;
  before(() => {
    netns = Netns.current();
    host = { netns } as unknown as Host;
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "linkwright-report-"));
    ({ directory } = await Store.open(host, { directory: folder }));
    const at = new Date().toISOString();
    const what = { begun: at, at, reason: "so", text: "the old state was put back", exact: true };
    report = { id: "1", boot: bootId(), netns: namespaceOf(host), ...what };
  });
  afterEach(() => rm(folder, { recursive: true }));
  after(() => netns.close());

  const take = (): Promise<Report | undefined> => takeReport(host, { directory: folder });

  it("is told once", async () => {
    await leaveReport(directory, report);
    deepEqual(await take(), report);
    equal(await take(), undefined);
  });

  const OTHERS: readonly (readonly [of: string, change: (now: Report) => Partial<Report>])[] = [
    ["another boot", () => ({ boot: "another" })],
    ["a namespace that had the same number", (now) => ({ netns: { ...now.netns, cookie: 1n << 62n } })],
  ];
  for (const [of, change] of OTHERS)
    it(`of ${of} is not told, and is gone`, async () => {
      await leaveReport(directory, { ...report, ...change(report) });
      equal(await take(), undefined);
      deepEqual(await readdir(directory), []);
    });

  it("says that probes have not answered, until they have", async () => {
    match(describeReport(report), /; the old state was put back; what the document's probes find now is not known$/);
    const whole = { ...report, checksAfter: [{ ok: true, text: "ping" }] };
    match(describeReport(whole), /; the old state was put back$/);
    await leaveReport(directory, report);
    await completeReport(directory, whole);
    deepEqual(await take(), whole);
  });

  it("is not completed where it was read, or another has come in its place", async () => {
    const whole = { ...report, checksAfter: [] };
    await completeReport(directory, whole);
    equal(await take(), undefined);
    const other = { ...report, id: "2" };
    await leaveReport(directory, other);
    await completeReport(directory, whole);
    deepEqual(await take(), other);
  });

  it("is gone with the journal that somebody takes away, and where there is none", async () => {
    await leaveReport(directory, report);
    equal(await discard(host, { directory: folder }), false);
    equal(await take(), undefined);
    await forgetReport(directory);
  });

  it("is made without leaving drafts behind", async () => {
    await leaveReport(directory, report);
    await leaveReport(directory, { ...report, id: "2" });
    deepEqual(await readdir(directory), ["report"]);
  });
});

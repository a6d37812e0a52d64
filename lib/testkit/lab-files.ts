/** The files that a lab's host would have below `/`: enough of them to say what happens at its next start. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Host } from "../host.ts";

/** The version of systemd that hosts of a lab have, by the name of its library. */
const LIBRARY = "usr/lib/systemd/libsystemd-shared-257.so";
/** The document that brings everything back, as `linkwright systemd install --direct` would keep it. */
const DOCUMENT = "etc/linkwright/host.yaml";

/** A directory with a host's files; disposing of it takes them away. */
export class HostFiles implements Disposable {
  readonly root: string;

  /** Use {@link HostFiles.of}. */
  constructor(name: string, directory = tmpdir()) {
    this.root = mkdtempSync(join(directory, `linkwright-${name}-`));
  }

  /** The files of a host on which all is written down. */
  static async of(name: string, host: Host, directory?: string): Promise<HostFiles> {
    const files = new HostFiles(name, directory);
    const links = await host.links.list();
    files.write(DOCUMENT, `links:\n${links.map((link) => `  ${link.name}: {}\n`).join("")}`);
    files.write(LIBRARY, "");
    return files;
  }

  /** Writes a file, by its path without the first slash. */
  write(file: string, content: string): void {
    const path = join(this.root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }

  /** Takes away what would bring the host's links back. May be called again. */
  forget(): void {
    rmSync(join(this.root, DOCUMENT), { force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

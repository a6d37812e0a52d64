/** Who takes part, how their programs are built, and what is to be installed where one is missing. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Row } from "./rows.ts";

/** One who takes part. */
export interface Contestant {
  readonly id: string;
  readonly title: string;
  readonly version: string;
  command(row: Row, count: number): readonly string[];
  /** Its time is that of its whole process: it has no clock of its own. */
  readonly whole?: true;
  /** It does the same once before in its process, uncounted: what a program sees that runs for long. */
  readonly warm?: true;
  /** The part of a row's objects that it does, where all would take too long. */
  readonly share?: Readonly<Record<string, number>>;
}
/** One who cannot take part. */
export interface Missing {
  readonly title: string;
  /** What installs it. */
  readonly install: string;
}

/** Where programs stand and are built. */
export interface Places {
  /** This folder, with the sources. */
  readonly sources: string;
  /** Our compiled programs. */
  readonly here: string;
  readonly scratch: string;
  readonly floor: string;
}

const DEBIAN_CRATES = "/usr/share/cargo/registry";
const DEBIAN_GO = "/usr/share/gocode";

/** What a program prints on success, without the newline. */
function said(command: string, args: readonly string[], options: object = {}): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", ...options });
  return status === 0 ? (stdout || stderr).trim() : undefined;
}
const packageVersion = (name: string): string =>
  said("dpkg-query", ["--show", name])
    ?.split("\t")[1]
    ?.replace(/-\d+(\+b\d+)?$/, "") ?? "";

type Build = (places: Places) => Omit<Contestant, "id" | "title"> | undefined;
interface Candidate extends Missing {
  readonly id: string;
  readonly build: Build;
}

/** A program that is told the workload and the count. */
const plain =
  (...program: readonly string[]) =>
  ({ workload }: Row, count: number): readonly string[] => [...program, workload, String(count)];

const iproute2: Build = ({ sources }) => {
  const version = said("ip", ["-V"]);
  if (version === undefined || said("bridge", ["-V"]) === undefined) return undefined;
  return {
    version: version.split("iproute2-")[1] ?? version,
    command: plain("bash", join(sources, "peers/iproute2.sh")),
  };
};

/** A folder that stays from one bench to the next: compiling some peers takes half a minute of processor time. */
const kept = (name: string): string =>
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "linkwright/bench", name);

const vishvananda: Build = ({ sources, scratch }) => {
  if (!existsSync(join(DEBIAN_GO, "src/github.com/vishvananda/netlink"))) return undefined;
  const program = join(scratch, "vishvananda");
  const env = { ...process.env, GO111MODULE: "off", GOPATH: DEBIAN_GO, GOCACHE: kept("go") };
  const compiler = said("go", ["version"]);
  if (said("go", ["build", "-o", program, join(sources, "peers/vishvananda.go")], { env }) === undefined)
    return undefined;
  return {
    version: `${packageVersion("golang-github-vishvananda-netlink-dev")}, ${compiler?.split(" ")[2]}`,
    command: plain(program),
  };
};

const MANIFEST = `[package]
name = "peer"
version = "0.1.0"
edition = "2021"
[[bin]]
name = "peer"
path = "peer.rs"
[dependencies]
rtnetlink = "0.10"
netlink-packet-route = "0.12"
futures = "0.3"
tokio = { version = "1", features = ["rt", "macros", "time"] }
`;
const CARGO = `[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "${DEBIAN_CRATES}"
`;
const rtnetlink: Build = ({ sources, scratch }) => {
  if (!existsSync(join(DEBIAN_CRATES, "rtnetlink-0.10.1"))) return undefined;
  const cache = kept("rust");
  mkdirSync(join(cache, ".cargo"), { recursive: true });
  writeFileSync(join(cache, "Cargo.toml"), MANIFEST);
  writeFileSync(join(cache, ".cargo/config.toml"), CARGO);
  copyFileSync(join(sources, "peers/rtnetlink.rs"), join(cache, "peer.rs"));
  const compiler = said("rustc", ["--version"]);
  if (said("cargo", ["build", "--release", "--offline", "--quiet"], { cwd: cache }) === undefined) return undefined;
  copyFileSync(join(cache, "target/release/peer"), join(scratch, "rtnetlink"));
  const version = `0.10.1, rustc ${compiler?.split(" ")[1]}`;
  return { version, command: plain(join(scratch, "rtnetlink")) };
};

const pyroute2: Build = ({ sources }) => {
  const python = "/usr/bin/python3";
  if (said(python, ["-c", "import pyroute2; print(1)"]) === undefined) return undefined;
  const version = `${packageVersion("python3-pyroute2")}, ${said(python, ["--version"])}`;
  return { version, command: plain(python, join(sources, "peers/pyroute.py")) };
};

const NPM_NETLINK = "netlink@0.3.0";
/** Installs what comes from a registry, which a sandbox without a network cannot. */
export function download(scratch: string): void {
  said("npm", ["install", "--no-save", "--silent", "--prefix", join(scratch, "npm"), NPM_NETLINK], { timeout: 60_000 });
}
const netlink: Build = ({ sources, scratch }) => {
  if (!existsSync(join(scratch, "npm/node_modules/netlink"))) return undefined;
  const command = plain(process.execPath, join(sources, "peers/netlink.mjs"));
  return { version: NPM_NETLINK.split("@")[1] ?? "", command };
};

const spawning: Build = ({ sources }) => {
  if (said("ip", ["-V"]) === undefined) return undefined;
  const command = plain(process.execPath, join(sources, "peers/spawning.mjs"));
  return { version: `Node ${process.version}`, command, share: { "round-trip": 0.05 } };
};

const shell: Build = ({ sources }) => {
  if (["ip", "sysctl", "nft"].some((tool) => said(tool, ["-V"]) === undefined)) return undefined;
  return {
    version: `nft ${packageVersion("nftables")}`,
    command: () => ["sh", join(sources, "peers/host.sh")],
    whole: true,
  };
};

/** One of our programs, of the arguments that a row has for it. */
const own =
  (key: "ours" | "api", warm?: true): Build =>
  ({ here }) => ({
    version: "this commit",
    ...(warm && { warm }),
    command: (row, count) => {
      const [program = "", ...args] = row[key] ?? [`${key}.js`, row.workload, "COUNT"];
      return [process.execPath, join(here, program), ...args.map((arg) => (arg === "COUNT" ? String(count) : arg))];
    },
  });
const floor: Build = ({ floor }) => ({
  version: said("cc", ["--version"])?.split("\n")[0] ?? "",
  command: plain(floor),
});
const again: Build = (places) => ({ version: "", command: plain(places.floor) });
const empty: Build = ({ scratch }) => {
  const program = join(scratch, "empty.mjs");
  writeFileSync(program, 'console.log(\'{"ns": 0, "objects": 1}\');\n');
  return { version: `Node ${process.version}`, command: () => [process.execPath, program] };
};

/** Everybody who may take part, in their order within a round. */
export const CANDIDATES: readonly Candidate[] = [
  { id: "floor", title: "C floor", build: floor, install: "apt install gcc libc6-dev" },
  { id: "ours", title: "linkwright, wire layer", build: own("ours"), install: "npm ci" },
  { id: "api", title: "linkwright, `Host`", build: own("api"), install: "npm ci" },
  { id: "ours-warm", title: "wire layer, warm", build: own("ours", true), install: "npm ci" },
  { id: "api-warm", title: "`Host`, warm", build: own("api", true), install: "npm ci" },
  { id: "iproute2", title: "`ip -batch`", build: iproute2, install: "apt install iproute2" },
  {
    id: "vishvananda",
    title: "Go vishvananda/netlink",
    build: vishvananda,
    install: "apt install golang-go golang-github-vishvananda-netlink-dev",
  },
  {
    id: "rtnetlink",
    title: "Rust rtnetlink",
    build: rtnetlink,
    install: "apt install cargo librust-rtnetlink-dev librust-tokio-dev librust-futures-dev",
  },
  { id: "pyroute2", title: "pyroute2", build: pyroute2, install: "apt install python3-pyroute2" },
  { id: "netlink", title: "npm `netlink`", build: netlink, install: `npm install ${NPM_NETLINK}` },
  { id: "spawning", title: "Node spawning `ip`", build: spawning, install: "apt install iproute2" },
  { id: "empty", title: "empty Node program", build: empty, install: "npm ci" },
  { id: "shell", title: "shell script", build: shell, install: "apt install iproute2 procps nftables" },
  // Last in each round: whatever a contestant leaves behind for the next shows here.
  { id: "again", title: "C floor again", build: again, install: "apt install gcc libc6-dev" },
];

/** Builds everybody who is installed here, or those of them who are asked for. */
export function gather(
  places: Places,
  only?: readonly string[],
): {
  readonly present: readonly Contestant[];
  readonly missing: readonly Missing[];
} {
  const present: Contestant[] = [];
  const missing: Missing[] = [];
  for (const { id, title, install, build } of CANDIDATES) {
    if (only?.includes(id) === false) continue;
    const built = build(places);
    if (built === undefined) missing.push({ title, install });
    else present.push({ id, title, ...built });
  }
  return { present, missing };
}

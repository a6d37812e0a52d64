/** The options: each means the same in every command that takes it. */

/** How an option is written, and what help says of it. */
export interface OptionSpec {
  /** What its value stands for; without, it takes none. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly several?: true;
  readonly text: string;
}

/** All options, in the order of the help. */
export const OPTIONS = {
  host: {
    value: "NAME",
    text: "which of the document's hosts this one is; by default the one with this machine's host name",
  },
  netns: { value: "NAME|PATH", text: "work in this network namespace instead of the current one" },
  commands: {
    value: "[HOST=]FILE",
    several: true,
    text: "read pasted commands from this file instead of looking at a host; give it once for each host",
  },
  explain: { text: "say why: the reason of every step, the sum behind every MTU, and what is left alone" },
  "allow-recreate": {
    text: "permit to delete and create again what the kernel cannot change in place, and lose what hangs on it",
  },
  "allow-managed": {
    text: "change also links that systemd-networkd or NetworkManager manage, which may undo it",
  },
  confirm: {
    value: "SECONDS",
    text:
      "put the old state back unless somebody confirms in time; 120 where it is started over SSH, 0 waits for nobody; " +
      "by default as the document says",
  },
  wait: { value: "SECONDS", text: "wait so long while another process changes the same namespace; 10 by default" },
  state: { value: "DIRECTORY", text: "journals are here instead of in /run/linkwright" },
  reconcile: { text: "put right what differs; without, it is only told" },
  interval: { value: "SECONDS", text: "look so often where no change is told, as of sysctls; 30 by default" },
  discard: { text: "take the journal away without looking at it, and leave the host as it is" },
  peer: {
    value: "ADDRESS|HOST",
    several: true,
    text:
      "ask for this address behind the VXLAN: a guest, or the other host's bridge, which a name stands for where FILE has a " +
      "host of that name; by default whoever was heard of",
  },
  root: {
    value: "DIRECTORY",
    text: "the host's files are below this directory: what is written there for its next start is looked at",
  },
  "no-ask": { text: "send nothing: only look" },
  witness: {
    text: "count what guests send that is too large, by a table of nftables that is there meanwhile",
  },
  watch: { text: "look again and again, and tell what changes, until Ctrl-C" },
  as: { value: "FORM", text: "how to draw: text, mermaid, dot, svg; text by default" },
  plan: { text: "draw what `apply` would add, change and remove" },
  doctor: { text: "mark what the doctor finds" },
  underlay: { value: "BYTES", text: "take this MTU for the underlay, and look at no host; 68 to 65535" },
  through: {
    value: "LIST",
    text:
      "what packets go through above the underlay, from outside to inside, as wireguard,vxlan; a 6 behind a name is an " +
      "outer header of IPv6, as vxlan6; vxlan by default",
  },
  inside: {
    value: "LIST",
    text: "pod networks inside the guests, as ovn-kubernetes,calico; a 6 behind a name is nodes with IPv6 addresses; by default the usual ones",
  },
  paste: {
    value: "WHERE",
    text: "print what to paste: libvirt, dnsmasq, kea, cloud-init, netplan, ip, openshift, nmstate, all",
  },
  "guest-mtu": { value: "BYTES", text: "MTU of the guests; by default what fits, as the document has it" },
  "no-gso": { text: "switch segmentation offloads off in the guests: every frame then leaves at its final size" },
  vty: { value: "DIRECTORY", text: "ask the FRR whose sockets are here; by default that of this machine, /run/frr" },
  fault: {
    value: "[HOST:]NAME",
    several: true,
    text: "let this go wrong on that host of the lab, or on the first one; `linkwright lab fault --list` lists all",
  },
  list: { text: "print what can go wrong" },
  systemd: {
    value: "VERSION",
    text: "which systemd the files are for, such as 252; by default the one of this machine",
  },
  runtime: { text: "until the next boot only: files in /run instead of /etc" },
  "dry-run": { text: "show what would change in which file, as diff -u does, and change nothing" },
  deadline: {
    value: "SECONDS",
    text:
      "give networkd so long to configure the links, 30 by default; or others to make those that the document needs, 90 " +
      "by default",
  },
  direct: { text: "without networkd: units that apply the document when the machine starts, and keep the host so" },
  output: {
    value: "DIRECTORY",
    text: "write the files below this directory instead of printing them, as below / on the host",
  },
  json: { text: "print one JSON value instead of text, errors too" },
  "no-color": { text: "no colors, as with the variable NO_COLOR; there are none where the output is no terminal" },
  version: { text: "print the version" },
  help: { text: "print this help" },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** The name of an option, without dashes. */
export type OptionName = keyof typeof OPTIONS;

/** What was given. Absent means that it was not. */
export type Given = {
  readonly [K in OptionName]?: (typeof OPTIONS)[K] extends { readonly several: true }
    ? readonly string[]
    : (typeof OPTIONS)[K] extends { readonly value: string }
      ? string
      : true;
};

/** Options that every command takes. */
export const EVERYWHERE: readonly OptionName[] = ["json", "no-color", "help"];

/** As written in help: `--host NAME`. */
export function spelled(name: OptionName): string {
  const spec: OptionSpec = OPTIONS[name];
  const dashes = name === "help" ? "-h, --help" : `--${name}`;
  return spec.value === undefined ? dashes : `${dashes} ${spec.value}`;
}

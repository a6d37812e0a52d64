/** The table of commands. It holds no code of theirs, so that help is there at once. */
import type { Command } from "./command.ts";

const PLAN: Command = {
  name: "plan",
  operands: ["FILE"],
  summary: "show what `apply` would change, and change nothing",
  about: [
    "Reads the document, looks at the host, and lists the steps between the two in the order in which they would be " +
      "made. It needs no privileges. An application that waits to be confirmed is told.",
  ],
  examples: [
    ["linkwright plan two-hosts.yaml --host bm1", "the steps for bm1, on this machine"],
    ["linkwright plan two-hosts.yaml --explain", "with reasons, the MTU of each hop, and what is left alone"],
    ["linkwright plan two-hosts.yaml --json | jq .steps", "as data"],
  ],
  options: ["host", "netns", "explain", "state"],
  exits: "0 nothing to do, 2 there are steps, 1 error",
  load: () => import("./commands/plan.ts"),
};

const APPLY: Command = {
  name: "apply",
  operands: ["FILE"],
  summary: "make the host what the document says",
  about: [
    "Does the steps that `plan` shows, reads everything back and compares; where a step is refused, a property is not as " +
      "it should be or a probe of the document fails, all is undone. A second `apply` finds nothing to do. What the " +
      "document does not mention is left alone. It needs CAP_NET_ADMIN.",
    "All steps are in a journal before the first is done, so that `recover` undoes them after a crash. With --confirm a " +
      "process of its own puts the old state back unless `confirm` comes in time, also where this one was killed.",
    "Links that systemd-networkd or NetworkManager manage are refused, with the ways out.",
  ],
  examples: [
    ["linkwright apply two-hosts.yaml", "on the host whose name is in the document"],
    ["linkwright apply two-hosts.yaml --host bm1", "where the host is called otherwise"],
    ["linkwright apply two-hosts.yaml --confirm 60", "for a host that nobody can walk to"],
    ["linkwright apply two-hosts.yaml --allow-recreate", "also what means deleting and creating again, as another VNI"],
    ["linkwright sandbox -- linkwright apply host.yaml", "try it without root, in a network of its own"],
  ],
  options: ["host", "netns", "explain", "allow-recreate", "allow-managed", "confirm", "wait", "state"],
  exits:
    "0 done or nothing to do, 1 error, and the host is as it was; 2 the old state was put back for want of an answer",
  load: () => import("./commands/apply.ts"),
};

const VERIFY: Command = {
  name: "verify",
  operands: ["FILE"],
  summary: "compare the host with the document, field by field",
  about: ["Reads the host afresh and reports every field that differs. It changes nothing and needs no privileges."],
  examples: [
    ["linkwright verify two-hosts.yaml --host bm1", "exit code 2 tells a monitor that somebody changed something"],
    ["linkwright verify two-hosts.yaml --json", "the same as data"],
  ],
  options: ["host", "netns", "state"],
  exits: "0 as the document says, 2 drift, 1 error",
  load: () => import("./commands/verify.ts"),
};

const WATCH: Command = {
  name: "watch",
  operands: ["FILE"],
  summary: "tell at once when somebody changes what the document says, and put it right",
  about: [
    "Compares the host with the document at once, after every change that the kernel tells, and every 30 seconds. What " +
      "differs is told with who is likely to have done it: the kernel names the process for some changes; for others it " +
      "is who runs here and is known to change such things, as systemd-networkd, NetworkManager, Docker, firewalld.",
    "With --reconcile it is put right, all or nothing as by `apply`; where somebody keeps undoing it, more and more seldom. " +
      "It runs until Ctrl-C.",
  ],
  examples: [
    ["linkwright watch two-hosts.yaml --host bm1", "only tell"],
    ["linkwright watch two-hosts.yaml --host bm1 --reconcile", "keep it so; this needs CAP_NET_ADMIN"],
    ["linkwright watch two-hosts.yaml --json", "one line of JSON for each report"],
  ],
  options: ["host", "netns", "reconcile", "interval", "allow-recreate", "allow-managed", "state"],
  load: () => import("./commands/watch.ts"),
};

const REMOVE: Command = {
  name: "remove",
  operands: ["FILE"],
  summary: "take away what the document describes",
  about: [
    "Deletes the links, rules and entries that the document would create, and nothing else. It needs CAP_NET_ADMIN.",
  ],
  examples: [["linkwright remove two-hosts.yaml --host bm1", "undo `apply two-hosts.yaml --host bm1`"]],
  options: ["host", "netns", "allow-managed", "confirm", "wait", "state"],
  load: () => import("./commands/remove.ts"),
};

const CONFIRM: Command = {
  name: "confirm",
  operands: [],
  summary: "keep what was applied with --confirm",
  about: [
    "Tells that the host can still be reached. It is best called from a session that was begun after the change.",
    "Root without the right to change the network, or where /run/linkwright is read-only, confirms by linkwright.service.",
  ],
  examples: [
    ["linkwright confirm", "the host is as it should be"],
    ["ssh bm1 sudo linkwright confirm", "from elsewhere, which shows that bm1 still answers"],
  ],
  options: ["netns", "wait", "state"],
  load: async () => ({ run: (await import("./commands/confirm.ts")).keep }),
};

const STATUS: Command = {
  name: "status",
  operands: [],
  summary: "say what linkwright.service found last, and whether something waits to be confirmed",
  about: [
    "Asks the service of this network namespace at its socket: which document it keeps, what differs and since when, what " +
      "waits to be confirmed and until when. Everybody may ask. Where no service runs, root is told what waits.",
  ],
  examples: [
    ["linkwright status", "this host"],
    ["linkwright status --json | jq -r .service.state", "ok, drift, failed, or starting"],
  ],
  options: ["netns", "state"],
  exits: "0 as the document says, or no service and nothing waits; 2 something differs or waits, 1 error",
  load: () => import("./commands/status.ts"),
};

const REVERT: Command = {
  name: "revert",
  operands: [],
  summary: "put the old state back, instead of at the end of --confirm",
  about: ["Undoes the application that waits to be confirmed, or one that was interrupted, and reads the host again."],
  examples: [["linkwright revert", "it was not a good idea"]],
  options: ["netns", "wait", "state"],
  exits: "0 all is as it was, 2 something is not, 1 error",
  load: async () => ({ run: (await import("./commands/confirm.ts")).back }),
};

const RECOVER: Command = {
  name: "recover",
  operands: [],
  summary: "end an application that was interrupted",
  about: [
    "Reads the journals that are left after a crash, in every network namespace: what was done to the last step is kept, " +
      "anything else is undone. It may be interrupted itself, and finds nothing to do the second time.",
  ],
  examples: [
    ["linkwright recover", "what a machine does when it starts"],
    ["linkwright recover --discard", "where the journal is damaged: the host stays as it is"],
  ],
  options: ["netns", "wait", "state", "discard"],
  exits:
    "0 all is well; 2 an application waits to be confirmed, or the old state is back except for what is named; 1 error",
  load: () => import("./commands/recover.ts"),
};

const SHOW: Command = {
  name: "show",
  operands: [],
  summary: "draw the path of packets: guest, bridge, VXLAN, underlay, with the MTU of each hop",
  about: [
    "Draws what is there, whoever made it, and marks a hop whose MTU is too large for what comes after it: frames that " +
      "fit there and not further on are lost without a word. It needs no privileges.",
  ],
  examples: [
    ["linkwright show", "this host"],
    ["linkwright show --netns blue", "a network namespace"],
    ["linkwright show --json | jq '.findings'", "only what is wrong"],
  ],
  options: ["netns"],
  load: () => import("./commands/show.ts"),
};

const DOCTOR: Command = {
  name: "doctor",
  operands: ["[FILE]"],
  summary: "say why traffic does not pass: each cause with its evidence and one way to mend it",
  about: [
    "Looks at the host, whoever set it up, then asks: the other ends of its VXLANs by pings that must not be fragmented " +
      "and by ARP requests or neighbor solicitations inside of VXLAN, which need no program there; whoever else may have its " +
      "addresses; the next router on behalf of the guests' network. Meanwhile it listens for VXLAN of others, and at taps " +
      "for what is too large for it. It changes nothing, but for a table " +
      "of counters with --witness.",
    "With FILE the other hosts of the document are asked for, by their addresses on the bridges.",
    "What is to be mended first comes first. Without CAP_NET_RAW it looks and asks nobody, and says so.",
  ],
  examples: [
    ["linkwright doctor", "this host"],
    ["linkwright doctor --peer 12.12.139.12", "ask for a guest that is known to be there"],
    ["linkwright doctor two-hosts.yaml --peer bm2", "the same by the name of a host"],
    ["linkwright doctor --watch", "again and again, while one tries things"],
    ["linkwright doctor --json | jq -r '.findings[0].cause'", "for a program"],
  ],
  options: ["host", "netns", "peer", "root", "no-ask", "witness", "watch"],
  exits: "0 nothing wrong, 2 something does not work, 3 something may not work, 1 the doctor could not look",
  load: () => import("./commands/doctor.ts"),
};

const GRAPH: Command = {
  name: "graph",
  operands: ["[FILE]"],
  summary: "draw a host, the hosts of a document, or what a plan changes, as text, Mermaid, DOT or SVG",
  about: [
    "Without FILE it is this host as it is; with --doctor what is wrong is marked where it is. With FILE it is what the " +
      "document makes, of all hosts or of the one that --host names; with --plan what would be added, changed and removed here.",
  ],
  examples: [
    ["linkwright graph two-hosts.yaml", "both hosts, as a tree"],
    ["linkwright graph two-hosts.yaml --as svg | tee hosts.svg", "a picture, for light and dark pages"],
    ["linkwright graph two-hosts.yaml --host bm1 --plan", "what `apply` would change"],
    ["linkwright graph --doctor --as mermaid", "where on the path it stops, for an issue"],
  ],
  options: ["host", "netns", "as", "plan", "doctor"],
  load: () => import("./commands/graph.ts"),
};

const MTU: Command = {
  name: "mtu",
  operands: ["[FILE]"],
  summary: "say which MTU each hop needs and why, down to the pods inside the guests, and what to paste",
  about: [
    "Adds up what every hop takes: outer IP, UDP, VXLAN or another tunnel, inner Ethernet, tags, IPsec or WireGuard below, " +
      "a pod network inside the guests. It says what the kernel refuses or does not follow, and so what belongs in the " +
      "guest. It changes nothing and needs no privileges.",
    "With FILE it is the path that the document makes on this host; without, the one that is there. With --underlay no host " +
      "is looked at: for a plan on paper, or a document of another host.",
  ],
  examples: [
    ["linkwright mtu", "this host as it is"],
    ["linkwright mtu two-hosts.yaml --host bm1", "as the document makes it"],
    ["linkwright mtu --underlay 1500 --through wireguard,vxlan", "on paper"],
    ["linkwright mtu --underlay 1500 --inside ovn-kubernetes --paste libvirt", "what to tell the guests"],
  ],
  options: ["host", "netns", "underlay", "through", "inside", "paste"],
  exits: "0 everything fits, 2 something does not, 1 error",
  load: () => import("./commands/mtu.ts"),
};

const IMPORT: Command = {
  name: "import",
  operands: [],
  summary: "write a document of what a host has, or of the commands that somebody pasted",
  about: [
    "Without --commands it looks at the host and prints a document that changes nothing when it is applied there: what " +
      "the kernel makes by itself, what routing daemons and DHCP keep, and values that every new link has are left out. " +
      "What cannot be said stands in comments. Keys and passwords are never printed. It needs no privileges, but only " +
      "root sees firewall rules.",
    "With --commands it reads lines of ip, bridge, brctl, iptables, nft and sysctl, as they stand in an article, a " +
      "script or a terminal. Nothing is run. Slips are told on standard error with their line: a bridge that is never " +
      "made, a link that is never set up, a VXLAN on the old port, a sysctl of a link that is not there yet, what is " +
      "gone after a reboot. Words that are not understood are told too; nothing is dropped in silence.",
  ],
  examples: [
    ["linkwright import | tee host.yaml", "this host as a document"],
    ["linkwright import --netns blue", "a network namespace"],
    ["linkwright import --commands notes.md", "commands in a text; headings may name two hosts"],
    ["linkwright import --commands bm1=a.txt --commands bm2=b.txt | tee two-hosts.yaml", "one document for both"],
  ],
  options: ["commands", "netns"],
  exits: "0 all is said in the document, 2 there are slips or something is left out, 1 error",
  load: () => import("./commands/import.ts"),
};

const FABRIC_SHOW: Command = {
  name: "fabric show",
  operands: ["FILE"],
  summary: "show the hosts and overlays of a document, or what one host gets of it",
  about: [
    "Works the document out for all of its hosts, and checks what is between them: VNIs, ports, MTUs, address families, " +
      "addresses and MACs that are there twice. With --host it prints that host's own document, as `apply` takes it. " +
      "No host is looked at.",
  ],
  examples: [
    ["linkwright fabric show three-hosts-unicast.yaml", "who is in which overlay"],
    ["linkwright fabric show three-hosts-unicast.yaml --host bm1", "every link, far end and address of bm1"],
  ],
  options: ["host"],
  load: async () => ({ run: (await import("./commands/fabric.ts")).show }),
};

const FABRIC_FRR: Command = {
  name: "fabric frr",
  operands: ["FILE"],
  summary: "print what belongs into the frr.conf of a host",
  about: [
    "For overlays with `flood: evpn`: BGP between the hosts, or with route reflectors, that tells where addresses are, and " +
      "VRFs that route between overlays. It is the part that the fabric decides; nothing is written, nothing is started.",
  ],
  examples: [["linkwright fabric frr three-hosts-evpn.yaml --host bm1", "to be put into /etc/frr/frr.conf of bm1"]],
  options: ["host"],
  load: async () => ({ run: (await import("./commands/fabric-frr.ts")).frr }),
};

const FABRIC_LINT: Command = {
  name: "fabric lint",
  operands: ["FILE", "CONF"],
  summary: "say what is wrong with a frr.conf for a host of the document",
  about: [
    "Reads the configuration that is there, and names what the fabric needs and it lacks or contradicts, by line.",
  ],
  examples: [["linkwright fabric lint three-hosts-evpn.yaml /etc/frr/frr.conf --host bm1", "before FRR is reloaded"]],
  options: ["host"],
  exits: "0 it fits, 2 it does not, 1 error",
  load: async () => ({ run: (await import("./commands/fabric-frr.ts")).lint }),
};

const FABRIC_CHECK: Command = {
  name: "fabric check",
  operands: ["FILE"],
  summary: "say whether FRR, the kernel and the document agree on this host",
  about: [
    "Asks FRR by vtysh for its neighbors, VNIs, far ends and MACs, and compares them with the kernel's and with the " +
      "document. It changes nothing. That the kernel is as the document says is what `verify` tells.",
  ],
  examples: [["linkwright fabric check three-hosts-evpn.yaml", "on the host whose name is in the document"]],
  options: ["host", "netns", "vty"],
  exits: "0 they agree, 2 they do not, 1 error",
  load: async () => ({ run: (await import("./commands/fabric-frr.ts")).check }),
};

const SYSTEMD_EXPORT: Command = {
  name: "systemd export",
  operands: ["[FILE]"],
  summary: "write the document, or the running host, as files for systemd-networkd, sysctl.d and nftables",
  about: [
    "networkd makes of these files what `apply` would make. What it cannot say stands elsewhere, and is told on standard " +
      "error with the reason: NAT and forward rules in a file for nft that a unit loads, anything else by a unit that " +
      "applies the document when the machine starts. Nothing is installed.",
    "With FILE no host is looked at. Without, the files are of this host as it is, as if `import` had written a document " +
      "of it; what cannot be said of it is told on standard error too.",
    "With --output, files of others and those that were changed by hand are not written over.",
  ],
  examples: [
    ["linkwright systemd export two-hosts.yaml --host bm1", "look at the files"],
    ["linkwright systemd export two-hosts.yaml --host bm1 --systemd 257 --output files", "for another machine"],
    ["linkwright systemd export", "this host as it is now"],
  ],
  options: ["host", "netns", "systemd", "direct", "output"],
  exits: "0 written, 2 written, but for what of the running host cannot be said, 1 error",
  load: () => import("./commands/systemd.ts"),
};

const SYSTEMD_INSTALL: Command = {
  name: "systemd install",
  operands: ["FILE"],
  summary: "have systemd-networkd make the host what the document says, now and at every boot",
  about: [
    "Writes the files that `systemd export` shows, has networkd read them, waits until it has configured each link, does " +
      "what networkd leaves to do, compares everything with the kernel, and enables the units. Where any of it fails, " +
      "files, units and host are put back as they were. Files of an earlier installation that are no longer wanted go.",
    "Files of others and those that were changed by hand are not written over: they are named, and nothing is changed. " +
      "Links that NetworkManager manages are refused, with --direct also those of others that systemd-networkd manages, with the " +
      "ways out.",
    "With --direct it does without networkd: linkwright-apply.service applies the document when the machine starts, " +
      "linkwright.service keeps the host so, linkwright-recover.service ends what was interrupted; networkd, where it " +
      "runs, is told to leave these links alone.",
  ],
  examples: [
    ["linkwright systemd install two-hosts.yaml --dry-run", "what would change in which file"],
    ["linkwright systemd install two-hosts.yaml --host bm1", "now and at every boot"],
    ["linkwright systemd install two-hosts.yaml --direct", "without networkd"],
    ["linkwright systemd install two-hosts.yaml --runtime", "try it: a reboot ends it"],
  ],
  options: ["host", "direct", "runtime", "dry-run", "deadline", "allow-recreate", "allow-managed", "wait", "state"],
  exits: "0 done or nothing to do, 1 error, and all is as it was; 2 with --dry-run, where there are differences",
  load: () => import("./commands/systemd-install.ts"),
};

const SYSTEMD_UNINSTALL: Command = {
  name: "systemd uninstall",
  operands: [],
  summary: "take away what `systemd install` put there",
  about: [
    "Stops and disables the units, removes the files, in /etc and in /run, and has networkd read that. Links, addresses " +
      "and sysctls stay until the next boot; the packet filter goes with its unit.",
  ],
  examples: [
    ["linkwright systemd uninstall --dry-run", "what would go"],
    ["linkwright systemd uninstall", "links stay until the next boot, or until linkwright remove FILE"],
  ],
  options: ["dry-run"],
  exits: "0 done or nothing to do, 1 error; 2 with --dry-run, where there is something to remove",
  load: async () => ({ run: (await import("./commands/systemd-install.ts")).back }),
};

const SYSTEMD_APPLY: Command = {
  name: "systemd apply",
  operands: ["FILE"],
  summary: "apply the document when the machine starts; for linkwright-apply.service",
  about: [
    "As `apply`, but links that the document needs and others make may come a little later, nobody has to confirm it, and " +
      "nothing is probed. What an interrupted application left is ended first.",
  ],
  examples: [["linkwright systemd apply /etc/linkwright/document.yaml", "what the unit runs"]],
  options: ["host", "deadline", "allow-recreate", "allow-managed", "state"],
  exits: "0 done or nothing to do, 1 error, and the host is as it was",
  load: () => import("./commands/systemd-apply.ts"),
};

const SYSTEMD_SERVE: Command = {
  name: "systemd serve",
  operands: ["[FILE]"],
  summary: "keep the host as the document says; for linkwright.service",
  about: [
    "As `watch --reconcile`, with what systemd wants of a service: it tells when it is ready and what it found last, feeds " +
      "the watchdog with each round that succeeded, and reads the document again at SIGHUP; where it is wrong " +
      "then, the old one stays in force.",
    "Without FILE it is the credential linkwright.document, as by LoadCredentialEncrypted=.",
  ],
  examples: [
    ["linkwright systemd serve /etc/linkwright/document.yaml", "what the unit runs"],
    ["systemctl reload linkwright", "the document was changed"],
  ],
  options: ["host", "interval", "allow-recreate", "allow-managed", "state"],
  load: () => import("./commands/systemd-serve.ts"),
};

const SYSTEMD_UNMANAGE: Command = {
  name: "systemd unmanage",
  operands: ["FILE"],
  summary: "have systemd-networkd and NetworkManager leave alone the links that the document makes",
  about: [
    "Writes a file with Unmanaged=yes that comes before all others, where NetworkManager is there one with " +
      "unmanaged-devices too, and has both read them; the links stay as they are. It is for `apply` and for units that call " +
      "it. Network cards and other links that the document does not make are not in it: somebody has to configure them.",
  ],
  examples: [
    ["linkwright systemd unmanage two-hosts.yaml --host bm1", "now and at every boot"],
    ["linkwright systemd uninstall", "take it back"],
  ],
  options: ["host", "runtime", "dry-run"],
  exits: "0 done or nothing to do, 1 error; 2 with --dry-run, where there are differences",
  load: () => import("./commands/systemd-unmanage.ts"),
};

const LAB_UP: Command = {
  name: "lab up",
  operands: ["FILE"],
  summary: "bring up the document's hosts as namespaces with a cable between them, until Ctrl-C",
  about: [
    "Every host of the document becomes a network namespace with a guest on its bridge; a switch joins the underlay " +
      "devices, and a router leads to an “internet” that knows no way back to the guests' network, so that only NAT " +
      "brings answers home. Nothing on this machine changes, no root is needed, and all is gone when the lab ends.",
  ],
  examples: [
    ["linkwright lab up two-hosts.yaml", "stays in the foreground, and says how to get in"],
    ["linkwright lab up two-hosts.yaml --guest-mtu 1500 --no-gso", "with guests that are too large for the VXLAN"],
    ["linkwright lab up two-hosts.yaml --fault vni-mismatch", "something is wrong: what does the doctor say?"],
  ],
  options: ["guest-mtu", "no-gso", "fault"],
  load: async () => ({ run: (await import("./commands/lab.ts")).up }),
};

const LAB_RUN: Command = {
  name: "lab run",
  operands: ["FILE", "NODE"],
  rest: "COMMAND…",
  summary: "run a program in a host, a guest or the internet of the lab",
  about: [
    "Joins the lab that `lab up` holds for this document, or brings one up for as long as the program runs. NODE is a " +
      "host of the document, a guest (vm1, vm2, …), `underlay` or `internet`. The exit code is the program's.",
  ],
  examples: [
    ["linkwright lab run two-hosts.yaml vm1 -- ping -c3 -M do -s 1422 12.12.139.12", "the largest ping that fits"],
    ["linkwright lab run two-hosts.yaml bm1 -- bash", "a shell on a host"],
  ],
  options: ["guest-mtu", "no-gso", "fault"],
  exits: "that of the program; 1 where it could not be started",
  load: async () => ({ run: (await import("./commands/lab.ts")).run }),
};

const LAB_FAULT: Command = {
  name: "lab fault",
  operands: ["[FILE]", "[NAME]", "[HOST]"],
  summary: "let something go wrong in the lab that `lab up` holds",
  about: [
    "NAME is what `linkwright doctor` on that host has to find; without HOST it is the document's first one. There is no way " +
      "back but another lab. Some faults are about files: those are below the directory that is printed, which the doctor " +
      "takes by --root.",
  ],
  examples: [
    ["linkwright lab fault --list", "what can go wrong"],
    ["linkwright lab fault two-hosts.yaml vni-mismatch", "on the first host"],
    ["linkwright lab run two-hosts.yaml bm1 -- linkwright doctor", "what does it say?"],
  ],
  options: ["list"],
  load: async () => ({ run: (await import("./commands/lab-fault.ts")).run }),
};

const LAB_DOWN: Command = {
  name: "lab down",
  operands: ["FILE"],
  summary: "end the lab that `lab up` holds",
  about: ["Ends the running `lab up` of this document and waits until it is gone."],
  examples: [["linkwright lab down two-hosts.yaml", "from another terminal"]],
  options: [],
  load: async () => ({ run: (await import("./commands/lab.ts")).down }),
};

const DEMO: Command = {
  name: "demo",
  operands: [],
  summary: "the story of two hosts and a VXLAN, told live, with every step checked",
  about: [
    "Two hosts, one address each, virtual machines on a bridge on both, a VXLAN between the bridges, NAT to the " +
      "outside; then TLS handshakes that time out, why they do, and what puts it right. All of it happens in namespaces " +
      "of its own: no root is needed, nothing on this machine changes. It takes less than half a minute.",
  ],
  examples: [["linkwright demo", "watch"]],
  options: [],
  exits: "0 everything happened as told, 1 something did not",
  load: () => import("./commands/demo.ts"),
};

const SANDBOX: Command = {
  name: "sandbox",
  operands: [],
  rest: "COMMAND…",
  summary: "run a program in a throw-away network, without root",
  about: [
    "The program gets network, mount and process namespaces of its own (and a user namespace where the caller is not " +
      "root), with an empty /run/netns. When it ends, however it ends, all of that is gone.",
  ],
  examples: [
    ["linkwright sandbox -- bash", "look around"],
    ["linkwright sandbox -- mocha build/integration", "tests that configure networks"],
  ],
  options: [],
  exits: "that of the program, 128 + n where signal n ended it; 1 where there is no sandbox",
  load: () => import("./commands/sandbox.ts"),
};

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  PLAN,
  APPLY,
  VERIFY,
  WATCH,
  REMOVE,
  CONFIRM,
  REVERT,
  STATUS,
  RECOVER,
  SHOW,
  DOCTOR,
  GRAPH,
  MTU,
  IMPORT,
  FABRIC_SHOW,
  FABRIC_FRR,
  FABRIC_LINT,
  FABRIC_CHECK,
  SYSTEMD_EXPORT,
  SYSTEMD_INSTALL,
  SYSTEMD_UNINSTALL,
  SYSTEMD_APPLY,
  SYSTEMD_SERVE,
  SYSTEMD_UNMANAGE,
  LAB_UP,
  LAB_RUN,
  LAB_FAULT,
  LAB_DOWN,
  SANDBOX,
  DEMO,
];

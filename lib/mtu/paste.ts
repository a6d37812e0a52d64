/** What to paste where, so that guests get their MTU. Nothing of it is applied by us. */
import { INSIDE, total } from "./encapsulation.ts";

/** What the snippets are made of. */
export interface PasteValues {
  /** The guest's MTU. */
  readonly mtu: number;
  /** The bridge that the guest is on. */
  readonly bridge: string;
  /** The MTU of OVN-Kubernetes' pods, where it is another one than OpenShift finds by itself. */
  readonly pods?: number;
}

/** One snippet. */
export interface Snippet {
  /** Where it belongs. */
  readonly where: string;
  readonly text: string;
}

/** The guest's card as most distributions name it in a virtual machine; every snippet says to change it. */
const CARD = "enp1s0";
/** An address of the range that QEMU uses. */
const MAC = "52:54:00:12:34:56";

/** Text in an attribute of XML: a link's name may hold quotes. */
function attribute(text: string): string {
  const named: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "'": "&apos;",
    '"': "&quot;",
  };
  return text.replace(/[&<>'"]/g, (sign) => named[sign] ?? sign);
}

function ethernets(mtu: number, indent: string): string[] {
  return [
    "version: 2",
    "ethernets:",
    `  ${CARD}:`,
    "    match:",
    `      macaddress: "${MAC}" # the guest's own; by name alone networkd may miss the MTU`,
    "    dhcp4: true",
    `    mtu: ${mtu}`,
  ].map((line) => indent + line);
}

function interfaces(mtu: number, indent: string): string[] {
  return [
    "interfaces:",
    `  - name: ${CARD}`,
    "    type: ethernet",
    "    state: up",
    `    mtu: ${mtu}`,
    "    ipv4:",
    "      enabled: true",
    "      dhcp: true",
  ].map((line) => indent + line);
}

function install(mtu: number): string[] {
  return [
    "platform:",
    "  baremetal:",
    "    hosts:",
    "      - name: master-0",
    "        networkConfig:",
    ...interfaces(mtu, " ".repeat(10)),
  ];
}

function network(mtu: number): string[] {
  return [
    "apiVersion: operator.openshift.io/v1",
    "kind: Network",
    "metadata:",
    "  name: cluster",
    "spec:",
    "  defaultNetwork:",
    "    type: OVNKubernetes",
    "    ovnKubernetesConfig:",
    `      mtu: ${mtu}`,
  ];
}

const MAKERS = {
  libvirt: ({ mtu, bridge }) => [
    {
      where: "virsh edit, in the domain's <devices>; a virtio guest takes the MTU from its card",
      text: [
        "<interface type='bridge'>",
        `  <source bridge='${attribute(bridge)}'/>`,
        "  <model type='virtio'/>",
        `  <mtu size='${mtu}'/>`,
        "</interface>",
      ].join("\n"),
    },
  ],
  dnsmasq: ({ mtu }) => [
    { where: "/etc/dnsmasq.d/mtu.conf on the DHCP server: option 26, interface MTU", text: `dhcp-option=26,${mtu}` },
  ],
  kea: ({ mtu }) => [
    {
      where: "kea-dhcp4.conf; option-data may also stand in the subnet",
      text: JSON.stringify(
        { Dhcp4: { "option-data": [{ name: "interface-mtu", code: 26, data: String(mtu) }] } },
        null,
        2,
      ),
    },
  ],
  "cloud-init": ({ mtu }) => [{ where: "network-config of the guest's seed", text: ethernets(mtu, "").join("\n") }],
  netplan: ({ mtu }) => [
    { where: "/etc/netplan/60-mtu.yaml in the guest", text: ["network:", ...ethernets(mtu, "  ")].join("\n") },
  ],
  ip: ({ mtu }) => [{ where: "in the guest, until it starts again", text: `ip link set dev ${CARD} mtu ${mtu}` }],
  openshift: ({ mtu, pods = mtu - total(INSIDE["ovn-kubernetes"].parts(4)) }) => [
    { where: "install-config.yaml, for each host: the node's card", text: install(mtu).join("\n") },
    {
      where: "manifests/cluster-network-03-config.yml: the pods; without, OVN-Kubernetes takes 100 off the card's MTU",
      text: network(pods).join("\n"),
    },
  ],
  nmstate: ({ mtu }) => [{ where: "nmstatectl apply, in the guest", text: interfaces(mtu, "").join("\n") }],
} as const satisfies Readonly<Record<string, (values: PasteValues) => readonly Snippet[]>>;

/** What there are snippets for. */
export const PASTES = Object.keys(MAKERS) as readonly PasteName[];
/** Name of something to paste into. */
export type PasteName = keyof typeof MAKERS;

/** Whether there are snippets for this. */
export function isPaste(name: string): name is PasteName {
  return Object.hasOwn(MAKERS, name);
}

/** What to paste. */
export function paste(name: PasteName, values: PasteValues): readonly Snippet[] {
  return MAKERS[name](values);
}

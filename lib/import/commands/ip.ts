/** `ip`: which object, and options before it. Source: ip(8). */
import { type Args, abbreviated, NotUnderstood, shownWord } from "../grammar.ts";
import type { HostModel } from "../model.ts";
import { ipAddress } from "./ip-address.ts";
import { ipLink, ipTuntap } from "./ip-link.ts";
import { ipNeighbor, ipRoute } from "./ip-route.ts";
import { ipNexthop, ipRule } from "./ip-rule.ts";

/** In iproute2's order: an abbreviation means the first that it begins. */
const OBJECTS = [
  "address",
  "addrlabel",
  "maddress",
  "route",
  "rule",
  "neighbor",
  "neighbour",
  "ntable",
  "link",
  "l2tp",
  "fou",
  "ila",
  "macsec",
  "tunnel",
  "tuntap",
  "tap",
  "token",
  "tcp_metrics",
  "monitor",
  "xfrm",
  "mroute",
  "mrule",
  "netns",
  "netconf",
  "vrf",
  "sr",
  "nexthop",
  "mptcp",
  "ioam",
  "stats",
];

/** What `ip -n NAME` and `ip netns exec NAME` lead to. */
export interface Elsewhere {
  /** The model of a namespace of this name. */
  inNamespace(name: string): HostModel;
  /** Carries out what follows in a namespace. */
  exec(args: Args, netns: string): void;
}

function netns(args: Args, model: HostModel, elsewhere: Elsewhere): void {
  const verb = args.done
    ? "list"
    : abbreviated(args.take("a verb"), [
        "list",
        "lst",
        "show",
        "add",
        "attach",
        "set",
        "delete",
        "identify",
        "pids",
        "exec",
        "monitor",
      ]);
  if (verb === "exec") {
    elsewhere.exec(args, args.take("the name of a namespace"));
    return;
  }
  if (verb === "add" || verb === "attach") {
    const name = args.take("the name of a namespace");
    model.findings.say(
      "note",
      args.line,
      `a document makes no namespaces; that for ${name} is applied by apply --netns ${name}`,
    );
    return;
  }
  if (verb === "delete" || verb === "set" || verb === undefined)
    throw new NotUnderstood(args.line, "this verb of ip netns is not understood");
  model.findings.say("note", args.line, "only shows; there is nothing to import");
}

/** `ip …` */
export function ip(args: Args, here: HostModel, elsewhere: Elsewhere): void {
  let model = here;
  let wide = false;
  while (/^-/.test(args.ahead)) {
    const option = args.take("an option").replace(/^--/, "-");
    if (option === "-6") wide = true;
    else if (option === "-n" || option === "-netns")
      model = elsewhere.inNamespace(args.take("the name of a namespace"));
    else if (option === "-f" || option === "-family") wide = args.take("a family") === "inet6";
    else if (/^-b(a(t(ch?)?)?)?$/.test(option))
      throw new NotUnderstood(args.line, "a batch of ip is not read here", "paste its lines, with ip before each");
  }
  if (args.done) throw new NotUnderstood(args.line, "ip without an object is not understood");
  const word = args.take("an object");
  const object = abbreviated(word, OBJECTS);
  if (object === "link") {
    ipLink(args, model);
    return;
  }
  if (object === "address") {
    ipAddress(args, model);
    return;
  }
  if (object === "route") {
    ipRoute(args, model, wide);
    return;
  }
  if (object === "neighbor" || object === "neighbour") {
    ipNeighbor(args, model);
    return;
  }
  if (object === "rule") {
    ipRule(args, model, wide);
    return;
  }
  if (object === "nexthop") {
    ipNexthop(args, model, wide);
    return;
  }
  if (object === "tuntap" || object === "tap") {
    ipTuntap(args, model);
    return;
  }
  if (object === "netns") {
    netns(args, model, elsewhere);
    return;
  }
  if (object === "monitor") {
    model.findings.say("note", args.line, "only shows; there is nothing to import");
    return;
  }
  throw new NotUnderstood(
    args.line,
    `ip ${object ?? shownWord(word)} is not understood`,
    "a document cannot say it yet: keep this line",
  );
}

/** Which program a statement runs, and what is said of those that configure nothing here. */
import type { Findings } from "./finding.ts";
import { NotUnderstood, shownWord } from "./grammar.ts";
import type { Word } from "./lexer.ts";

/** Programs that look, wait, or have to do with something else. */
const HARMLESS = [
  "ping",
  "ping6",
  "tcpdump",
  "arping",
  "traceroute",
  "tracepath",
  "ss",
  "netstat",
  "true",
  ":",
  "sleep",
  "set",
  "cd",
  "exit",
  "clear",
  "uname",
  "hostname",
  "lsmod",
  "grep",
  "modinfo",
  "watch",
  "conntrack",
];
/** Programs that configure in words which are not read here. */
const OTHERS = ["ifconfig", "route", "vconfig", "ethtool", "wg", "tc"];
const UNDERSTOOD = "understood are ip, bridge, brctl, iptables, nft and sysctl";
/** What runs another program, and words of a shell before one. */
const BEFORE = ["command", "exec", "time", "nohup", "then", "do", "else", "!"];
const SUDO = ["sudo", "doas"];
const SUDO_VALUES = ["-u", "-g", "-h", "-p", "-C", "-r", "-t"];

/** A program without the folder that it is in. */
export const programName = (word: Word | undefined): string => (word?.text ?? "").replace(/^.*\//, "");

/** Without what only says who runs a program. */
export function programOf(words: readonly Word[]): readonly Word[] {
  const rest = [...words];
  for (;;) {
    const name = programName(rest[0]);
    if (SUDO.includes(name)) {
      rest.shift();
      while (rest[0]?.text.startsWith("-") === true) if (SUDO_VALUES.includes(rest.shift()?.text ?? "")) rest.shift();
    } else if (BEFORE.includes(name)) rest.shift();
    else return rest;
  }
}

/** Says of a program why nothing comes of it. @throws {NotUnderstood} where something was meant to. */
export function passOver(name: string, line: number, findings: Findings): void {
  if (name === "modprobe")
    findings.say("note", line, "the kernel loads what it needs by itself; this line is left out");
  else if (HARMLESS.includes(name)) findings.say("note", line, `${name} configures nothing that is to be imported`);
  else if (OTHERS.includes(name))
    throw new NotUnderstood(
      line,
      `${name} is not understood`,
      `${UNDERSTOOD}: keep this line, or say it in their words`,
    );
  else throw new NotUnderstood(line, `${shownWord(name)} is not understood`, UNDERSTOOD);
}

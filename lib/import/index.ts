/** Documents made of what is there already: pasted commands, or a running host. */
export { type Commands, type CommandsOptions, type Imported, importCommands } from "./commands.ts";
export { type Draft, writeDraft } from "./draft.ts";
export { type Finding, formatFinding, type Level } from "./finding.ts";

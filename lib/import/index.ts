/** Documents made of what is there already: pasted commands, or a running host. */
export { type Imported, importCommands } from "./commands.ts";
export { writeDraft } from "./draft.ts";

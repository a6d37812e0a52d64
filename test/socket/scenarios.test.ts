import assert from "node:assert";
import { Connection } from "../../lib/socket/index.ts";
import { played } from "./recordings.ts";
import { scenarios } from "./scenarios.ts";

describe("socket: conversations with recorded kernels", () => {
  for (const { title, run } of scenarios)
    it(title, async () => {
      const transport = played("scenarios", title);
      await using connection = Connection.over(transport);
      await run(connection);
      assert(transport.finished);
    });
});

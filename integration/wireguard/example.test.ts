/** Stands here, and not beside the other examples, as the kernel that has WireGuard has the time for nothing else. */
import { match } from "node:assert/strict";
import { needs, skip } from "../../test/needs.ts";
import { run } from "../examples/kit.ts";

describe("the example of WireGuard", function () {
  this.timeout(120_000);

  it("wireguard-pair", function () {
    needs(this, "ping");
    const said = run("wireguard-pair");
    if (said.startsWith("no tunnel here: ")) {
      match(said, /^no tunnel here: cannot create link wg0: Unknown device type \(EOPNOTSUPP, at kind\)/);
      skip(this, said.trim());
    }
    match(said, /^10\.0\.0\.2 answers through the tunnel$/m);
    match(said, /^192\.0\.2\.2:51820: shook hands, received \d+, sent \d+ bytes$/m);
  });
});

import { assertApart, inChild } from "./kit.ts";

const CASES: readonly (readonly [name: string, title: string])[] = [
  ["openClose", "10,000 sockets opened and closed leave no descriptor"],
  ["longRun", "100,000 of them leave no memory"],
  ["threadsEnd", "1,000 sockets with a thread leave neither thread nor descriptor"],
  ["dropped", "1,000 handles that nobody holds are closed"],
  ["droppedWithThread", "and their threads end"],
  ["cloexec", "no descriptor reaches a child"],
  ["workerRound", "a worker does all of it"],
  ["workersWatching", "30 workers terminated while watching"],
  ["workersExchanging", "30 workers terminated in mid-exchange"],
  ["workersMaking", "30 workers terminated while a namespace is made"],
  ["workersReading", "30 workers terminated while files of a namespace are read"],
  ["filesEnd", "thousands of files read leave neither thread, descriptor nor memory"],
  ["workersExit", "30 workers that exit with everything open"],
  ["workerStalled", "workers terminated while their thread sleeps in the kernel"],
];

describe("native layer: nothing is left behind", function () {
  this.timeout(60_000);
  before(assertApart);

  for (const [name, title] of CASES) {
    it(title, () => {
      const said = inChild(name);
      if (said !== "") console.log(`      ${said}`);
    });
  }
});

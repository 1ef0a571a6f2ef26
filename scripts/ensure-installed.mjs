// Runs before the commands that a fresh clone begins with, on whatever Node the user has: plain JavaScript, no imports
// from node_modules.
import { execSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const installedLock = new URL("node_modules/.package-lock.json", root);
const wantedLock = new URL("package-lock.json", root);

/** What each package is locked to; npm leaves out of its own copy what this platform does not need. */
function packagesOf(lock) {
  return JSON.parse(readFileSync(lock, "utf8")).packages;
}

function isInstalled() {
  if (!existsSync(installedLock)) return false;
  const wanted = packagesOf(wantedLock);
  const installed = packagesOf(installedLock);
  const { dependencies, devDependencies } = wanted[""];
  return (
    Object.keys({ ...dependencies, ...devDependencies }).every((name) => installed[`node_modules/${name}`]) &&
    Object.entries(installed).every(([name, { version }]) => wanted[name]?.version === version)
  );
}

if (!isInstalled()) {
  console.error("Installing the dependencies (once, about a minute) …");
  try {
    execSync("npm ci --no-audit --no-fund --loglevel=error", { cwd: root, stdio: ["ignore", 2, 2] });
  } catch {
    console.error("The dependencies could not be installed: npm says why above.");
    process.exit(1);
  }
}

// The Node of the npm scripts, which is the one that was just installed where there is one for this platform.
const runsTypeScript = execSync('node -p "process.features.typescript"', { encoding: "utf8" }).trim();
if (runsTypeScript !== "strip" && runsTypeScript !== "transform") {
  const version = execSync("node --version", { encoding: "utf8" }).trim();
  console.error(
    `Offpeak runs on Node 22.18 or newer, and "node" is ${version} here. Install a newer one and try again.`,
  );
  process.exit(1);
}

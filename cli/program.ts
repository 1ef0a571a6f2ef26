import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { batchesList, batchesShow } from "./batch-commands.ts";
import { type CostOptions, costs } from "./cost-commands.ts";
import { COST_KEYS } from "./cost-report.ts";
import {
  deadLettersDiscard,
  deadLettersList,
  deadLettersRetry,
  deadLettersShow,
  type RetryOptions,
} from "./dead-letter-commands.ts";
import { addLeadCommands } from "./lead-program.ts";
import { jobsCancel, jobsShow } from "./job-commands.ts";
import { OperatorError } from "./operator-error.ts";
import { reconcile, type ReconcileOptions } from "./reconcile-command.ts";
import type { Report } from "./report.ts";
import { openStack, type Stack } from "./stack.ts";
import { readStackOutputs } from "./stack-outputs.ts";
import { tenantsList, tenantsPut, tenantsShow } from "./tenant-commands.ts";

/** Where a run of the tool writes, and its clock. */
export type Terminal = {
  out(text: string): void;
  error(text: string): void;
  now(): number;
  /** Whether a person sees what is written to `error`, as it is written: there a line may be written over. */
  readonly interactive?: boolean;
};

/** Opens the stack that a command's options name, runs the command on it, and prints what it found. */
export type Run = (command: Command, work: (stack: Stack) => Promise<Report>) => Promise<void>;

type GlobalOptions = { readonly outputs?: string; readonly stack?: string; readonly json?: boolean };

const DONE = 0;
/** Something went wrong that may go right another time. */
const FAILED = 1;
/** The command, an argument or a file is wrong. */
const MISUSED = 2;

/** Runs the operator's tool with these arguments (without `node` and the script); returns the exit code. */
export async function runOffpeak(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const found = { failed: false };
    await offpeak(terminal, found).parseAsync(args, { from: "user" });
    return found.failed ? FAILED : DONE;
  } catch (error) {
    // Commander has already printed its message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : MISUSED;
    if (error instanceof OperatorError) {
      terminal.error(`offpeak: ${error.message}\n`);
      return MISUSED;
    }
    terminal.error(`offpeak: ${failureText(error)}\n`);
    return FAILED;
  }
}

function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint =
    error.name === "CredentialsProviderError"
      ? "\nGive AWS credentials for the stack's account, for example with AWS_PROFILE."
      : "";
  return `${error.name}: ${error.message}${hint}`;
}

function offpeak(terminal: Terminal, found: { failed: boolean }): Command {
  const program = new Command("offpeak")
    .description("The operator's tool of an Offpeak stack: tenants, costs, batches, jobs and dead letters.")
    .addOption(
      new Option(
        "--outputs <file>",
        "which stack: the file written by `cdk deploy --outputs-file` or `npm run local`",
      ).env("OFFPEAK_OUTPUTS"),
    )
    .option("--stack <name>", "which of several stacks in that file")
    .option("--json", "print JSON for machines");

  const run: Run = async (command, work) => {
    const { outputs: file, stack: name, json } = command.optsWithGlobals<GlobalOptions>();
    if (file === undefined) {
      throw new OperatorError(
        "say which stack: --outputs FILE (or OFFPEAK_OUTPUTS), written by `cdk deploy --outputs-file` or `npm run local`",
      );
    }
    const { stackName, outputs } = await readStackOutputs(file, name);
    const stack = openStack(stackName, outputs);
    try {
      const { data, text, failed = false } = await work(stack);
      found.failed = failed;
      terminal.out(json ? `${JSON.stringify(data, null, 2)}\n` : `${text}\n`);
    } finally {
      stack.close();
    }
  };

  const tenants = program.command("tenants").description("who may send jobs, and where their results go");
  tenants
    .command("put <file>")
    .description("store the tenants of a tenants file; tenants not in it stay as they are")
    .action((file: string, _options, command: Command) => run(command, (stack) => tenantsPut(stack, file)));
  tenants
    .command("list")
    .description("all tenants")
    .action((_options, command: Command) => run(command, tenantsList));
  tenants
    .command("show <tenant>")
    .description("one tenant's policy, and what is used of its budget today")
    .action((id: string, _options, command: Command) =>
      run(command, (stack) => tenantsShow(stack, id, terminal.now())),
    );

  program
    .command("costs")
    .description("what was spent according to the ledger, and what it would have cost at once")
    .option("--tenant <id>", "only this tenant")
    .option("--from <day>", "first UTC day (default: the first of this month)")
    .option("--to <day>", "last UTC day (default: today)")
    .addOption(
      new Option("--by <what>", "what to tell apart").choices(Object.keys(COST_KEYS)).default("tenant"),
    )
    .action((options: CostOptions, command: Command) =>
      run(command, (stack) => costs(stack, options, terminal.now())),
    );

  const batches = program.command("batches").description("provider batches");
  batches
    .command("list")
    .description("batches that are not closed yet")
    .option("--account <name...>", "provider accounts (default: all)")
    .action((options: { readonly account?: string[] }, command: Command) =>
      run(command, (stack) => batchesList(stack, options.account)),
    );
  batches
    .command("show <batch>")
    .description("one batch")
    .action((id: string, _options, command: Command) => run(command, (stack) => batchesShow(stack, id)));

  const jobs = program.command("jobs").description("single jobs, by their idempotency keys");
  jobs
    .command("show <id-or-tenant> [key]")
    .description("what became of a job so far and why, what was charged for it, and where it is")
    .action((name: string, key: string | undefined, _options, command: Command) =>
      run(command, (stack) => jobsShow(stack, name, key)),
    );
  jobs
    .command("cancel <tenant> <key>")
    .description("end a job as cancelled; what the provider bills for it all the same stays in the ledger")
    .action((tenant: string, key: string, _options, command: Command) =>
      run(command, (stack) => jobsCancel(stack, tenant, key, terminal.now())),
    );

  addLeadCommands(program, run, terminal);

  const letters = program
    .command("dead-letters")
    .description("what could not be done; letters are hidden from others while they are read");
  letters
    .command("list")
    .description("look at dead letters; they stay where they are")
    .option("--limit <number>", "at most this many of each queue", wholeNumber, 100)
    .action((options: { readonly limit: number }, command: Command) =>
      run(command, (stack) => deadLettersList(stack, options.limit)),
    );
  letters
    .command("show <id>")
    .description("all that is known of a dead letter")
    .option("--body", "with the request itself, which may hold personal data")
    .action((id: string, options: { readonly body?: boolean }, command: Command) =>
      run(command, (stack) => deadLettersShow(stack, id, options)),
    );
  letters
    .command("retry [id...]")
    .description("send dead letters on at once: jobs and messages to be run, deliveries to be delivered")
    .option("--all", "all but the messages that were kept because they could be answered to nobody")
    .option("--reason <code>", "all with this reason, such messages too")
    .action((ids: string[], options: RetryOptions, command: Command) =>
      run(command, (stack) => deadLettersRetry(stack, ids, options)),
    );
  letters
    .command("discard <id>")
    .description("delete a dead letter for good; its job ends as cancelled")
    .option("--yes", "do it")
    .action((id: string, options: { readonly yes?: boolean }, command: Command) =>
      run(command, (stack) => deadLettersDiscard(stack, id, options, terminal.now())),
    );

  program
    .command("reconcile")
    .description("compare settled batches with the ledger and the job map; exits 1 when anything differs")
    .option("--batch <id>", "only this batch")
    .option("--since <day>", "batches planned since this UTC day (default: in the last three days)")
    .action((options: ReconcileOptions, command: Command) =>
      run(command, (stack) => reconcile(stack, options, terminal.now(), progressLine(terminal))),
    );

  return silenced(program, terminal);
}

/** Shows each text in place of the one before, an empty one leaves nothing; where nobody watches, shows none. */
function progressLine(terminal: Terminal): (text: string) => void {
  return terminal.interactive ? (text) => terminal.error(`\r\u001B[2K${text}`) : () => {};
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("a whole number from 1 to 99999");
  return Number(text);
}

/** Lets every command write to the terminal it was given, and throw instead of ending the process. */
function silenced(command: Command, terminal: Terminal): Command {
  command
    .exitOverride()
    .showHelpAfterError("(see --help)")
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.error(text) });
  for (const inner of command.commands) silenced(inner, terminal);
  return command;
}

import { type Command, Option } from "commander";
import {
  DRAFT_STATES,
  draftsApprove,
  draftsDiscard,
  draftsList,
  type DraftListOptions,
  draftsShow,
} from "./draft-commands.ts";
import { leadsShow } from "./lead-commands.ts";
import type { Run, Terminal } from "./program.ts";
import { leadsRun } from "./run-leads.ts";
import { draftsSend } from "./send-drafts.ts";

/** The commands of the workload that scores leads: its days, and the drafts that a person approves. */
export function addLeadCommands(program: Command, run: Run, terminal: Terminal): void {
  const leads = program.command("leads").description("the workload that scores leads");
  leads
    .command("show <tenant> <day>")
    .description("what came of one day's leads: the run, and every score")
    .action((tenant: string, day: string, _options, command: Command) =>
      run(command, (stack) => leadsShow(stack, tenant, day)),
    );
  leads
    .command("run <tenant> <day>")
    .description("run one day's leads now; what is done in it stays, leads that were dropped since are added")
    .action((tenant: string, day: string, _options, command: Command) =>
      run(command, (stack) => leadsRun(stack, tenant, day, terminal.now())),
    );

  const drafts = program
    .command("drafts")
    .description("follow-up e-mails to leads: nothing is sent that was not approved");
  drafts
    .command("list <tenant>")
    .description("a tenant's drafts, the best leads of each day first")
    .option("--day <day>", "only this day of the tenant's")
    .addOption(new Option("--state <state>", "only these").choices(DRAFT_STATES))
    .action((tenant: string, options: DraftListOptions, command: Command) =>
      run(command, (stack) => draftsList(stack, tenant, options)),
    );
  drafts
    .command("show <tenant> <draft>")
    .description("one draft, as it would be sent")
    .option("--html <file>", "write the HTML there, to open it in a browser")
    .action((tenant: string, id: string, options: { readonly html?: string }, command: Command) =>
      run(command, (stack) => draftsShow(stack, tenant, id, options)),
    );
  drafts
    .command("approve <tenant> <draft...>")
    .description("let drafts be sent")
    .action((tenant: string, ids: string[], _options, command: Command) =>
      run(command, (stack) => draftsApprove(stack, tenant, ids, terminal.now())),
    );
  drafts
    .command("discard <tenant> <draft...>")
    .description("put drafts away for good")
    .action((tenant: string, ids: string[], _options, command: Command) =>
      run(command, (stack) => draftsDiscard(stack, tenant, ids, terminal.now())),
    );
  drafts
    .command("send <tenant> [draft...]")
    .description("send approved drafts through SES: these, or all of the tenant's")
    .option("--again", "also those whose last attempt nobody saw the end of; say which")
    .action((tenant: string, ids: string[], options: { readonly again?: boolean }, command: Command) =>
      run(command, (stack) => draftsSend(stack, tenant, ids, options, () => terminal.now())),
    );
}

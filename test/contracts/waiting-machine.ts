import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type LocalAws, startLocalAws } from "../../local/aws/local-aws.ts";
import { startStack } from "../../local/stack/local-stack.ts";
import type { StateMachine } from "../../local/step-functions/state-machine.ts";

export type WaitingMachine = {
  readonly aws: LocalAws;
  readonly machine: StateMachine;
  stop(): Promise<void>;
};

const DEFINITION = {
  QueryLanguage: "JSONata",
  StartAt: "Rest",
  States: { Rest: { Type: "Wait", Seconds: 86_400, End: true } },
};

/** A stack of nothing but a state machine, whose executions run until they are stopped. */
const TEMPLATE = {
  Resources: {
    Role: { Type: "AWS::IAM::Role", Properties: {} },
    Machine: {
      Type: "AWS::StepFunctions::StateMachine",
      Properties: {
        DefinitionString: JSON.stringify(DEFINITION),
        RoleArn: { "Fn::GetAtt": ["Role", "Arn"] },
      },
    },
  },
};

/** Step Functions on this machine, with that stack. */
export async function startWaitingMachine(): Promise<WaitingMachine> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "offpeak-machine-"));
  const write = (name: string, content: unknown) =>
    writeFileSync(path.join(folder, name), JSON.stringify(content));
  write("Waiting.template.json", TEMPLATE);
  write("Waiting.assets.json", { files: {} });
  write("manifest.json", { artifacts: {} });
  const aws = await startLocalAws();
  const stack = await startStack({ assembly: folder, stackName: "Waiting", aws, workFolder: folder });
  return {
    aws,
    machine: stack.stateMachine("Machine"),
    stop: async () => {
      await stack.stop();
      await aws.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { OperatorError } from "./operator-error.ts";

const outputsSchema = z.object({
  DeadLetterQueueUrls: z.string().transform((urls) => urls.split(",").filter((url) => url !== "")),
  JobMapTableName: z.string(),
  TenantLedgerTableName: z.string(),
  TenantsTableName: z.string(),
  BatchesTableName: z.string(),
  GatewayBucketName: z.string(),
  /** Missing in what an earlier release wrote. */
  RunsQueueUrl: z.string().optional(),
  DeliveriesQueueUrl: z.string().optional(),
  /** Only of a stack with a workload that remembers something. */
  WorkloadsTableName: z.string().optional(),
  /** Only of a stack that scores leads. */
  LeadScoringArn: z.string().optional(),
  /** Only of a stack on this machine. */
  Endpoint: z.url().optional(),
  Region: z.string().optional(),
});
export type StackOutputs = z.infer<typeof outputsSchema>;

const fileSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

/**
 * What one stack is made of, from a file as `cdk deploy --outputs-file` writes it. `stack` names one of several. Throws
 * OperatorError when the file does not say it.
 */
export async function readStackOutputs(
  file: string,
  stack: string | undefined,
): Promise<{ readonly stackName: string; readonly outputs: StackOutputs }> {
  const stacks = fileSchema.safeParse(await readJson(file));
  if (!stacks.success)
    throw new OperatorError(`${file} is not of the shape { "<stack>": { "<output>": … } }`);
  const names = Object.keys(stacks.data);
  const stackName = stack ?? (names.length === 1 ? names[0] : undefined);
  if (stackName === undefined) {
    throw new OperatorError(
      `${file} holds ${names.length} stacks: say which with --stack (${names.join(", ")})`,
    );
  }
  if (!names.includes(stackName))
    throw new OperatorError(`${file} has no stack ${stackName}, but ${names.join(", ")}`);
  const outputs = outputsSchema.safeParse(stacks.data[stackName]);
  if (outputs.success) return { stackName, outputs: outputs.data };
  throw new OperatorError(
    `the outputs of ${stackName} in ${file} are incomplete:\n${z.prettifyError(outputs.error)}`,
  );
}

/** The JSON in a file. Throws OperatorError when there is none. */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new OperatorError(
      `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OperatorError(
      `${file} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

import { z } from "zod";

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat());
const conditionValues = z
  .union([z.string(), z.boolean(), z.array(z.union([z.string(), z.boolean()])).min(1)])
  .transform((value) => [value].flat().map(String));

// Strict on purpose: an element that the evaluator does not know (NotAction, Principal …) must not be skipped.
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: oneOrMore,
  Resource: oneOrMore,
  Condition: z.record(z.string(), z.record(z.string(), conditionValues)).optional(),
});

/** An IAM identity policy, with every intrinsic function already resolved to a string. */
export const policyDocumentSchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Id: z.string().optional(),
  Statement: z.union([z.array(statementSchema), statementSchema.transform((statement) => [statement])]),
});

/** The policy as JSON has it, where one value may stand for a list of one. */
export type PolicyDocument = z.input<typeof policyDocumentSchema>;
export type Statement = z.output<typeof statementSchema>;

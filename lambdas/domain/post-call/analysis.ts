import { z } from "zod";
import { schemaProblem } from "../schema-problem.ts";

/** Characters of a summary that is one: instructions ask for two to four sentences. */
const LONGEST_SUMMARY = 2000;

/** What the model is asked to answer. Only what strict schemas of OpenAI can say: no lengths of strings. */
const answerSchema = z.strictObject({
  summary: z.string().describe("Two to four sentences."),
  sentiment: z.number().min(-1).max(1).describe("The customer's, at the end of the call: -1 to 1."),
  leadScore: z.int().min(0).max(100).describe("How likely the customer is to buy: 0 to 100."),
});

/** What a tenant gets of a call. */
export const analysisSchema = answerSchema.extend({
  summary: z
    .string()
    .refine((text) => text.trim() !== "", { error: "is empty" })
    .refine((text) => text.length <= LONGEST_SUMMARY, {
      error: `has more than ${LONGEST_SUMMARY} characters`,
    }),
});
export type Analysis = z.infer<typeof analysisSchema>;

/** The `response_format` of every request: the same bytes each time, since prompts begin with it. */
export const ANALYSIS_FORMAT = {
  type: "json_schema",
  json_schema: { name: "call_analysis", strict: true, schema: schemaOf(answerSchema) },
} as const;

function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema);
  return rest;
}

export type AnalysisRead =
  | { readonly kind: "valid"; readonly analysis: Analysis }
  /** `problem` says which field is wrong and how, never what the model wrote. */
  | { readonly kind: "invalid"; readonly problem: string };

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

/** The analysis in the body of a chat completion. */
export function readAnalysis(response: unknown): AnalysisRead {
  const completion = completionSchema.safeParse(response);
  const choice = completion.data?.choices[0];
  if (choice === undefined) return invalid("the answer is no chat completion");
  if (choice.message.refusal) return invalid("the model declined to answer");
  if (choice.finish_reason === "length") return invalid("the answer was cut off");
  const parsed = analysisSchema.safeParse(parseJson(choice.message.content ?? ""));
  return parsed.success
    ? { kind: "valid", analysis: parsed.data }
    : invalid(`the answer does not fit the schema: ${schemaProblem(parsed.error)}`);
}

function invalid(problem: string): AnalysisRead {
  return { kind: "invalid", problem };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

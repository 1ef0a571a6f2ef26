import { z } from "zod";

const EFFORTS = ["none", "minimal", "low", "medium", "high"] as const;

/** How a tenant's calls are looked at; present: the workload is on for the tenant. */
export const postCallPolicySchema = z.strictObject({
  /** Of which trade the tenant's calls are: those of one vertical share their instructions, whoever the tenant is. */
  vertical: z
    .string()
    .regex(/^[^\p{Cc}\p{Cs}]{1,64}$/u, "1 to 64 characters, no control characters")
    .default("general"),
  /** An OpenAI model that answers in a given schema, or an alias of the tenant's routes. */
  model: z.string().min(1).default("gpt-5-nano"),
  /**
   * How long the model thinks before it answers, for models that do. Left out: `minimal` for gpt-5, -mini and -nano,
   * which would otherwise think several times as much as they answer; the model's own way for all others.
   */
  reasoningEffort: z.enum(EFFORTS).optional(),
});
export type PostCallPolicy = z.infer<typeof postCallPolicySchema>;

const MINIMAL_MODELS: ReadonlySet<string> = new Set(["gpt-5", "gpt-5-mini", "gpt-5-nano"]);

/** The effort that requests ask for; undefined: they ask for none, which is all that some models take. */
export function effortOf({ model, reasoningEffort }: PostCallPolicy): string | undefined {
  return reasoningEffort ?? (MINIMAL_MODELS.has(model) ? "minimal" : undefined);
}

import { z } from "zod";
import type { ProviderRequest } from "./job-message.ts";
import { CHAT_RULES } from "./request-rules-chat.ts";
import { countInputs, EMBEDDINGS_RULES } from "./request-rules-embeddings.ts";
import { type EndpointRules, type RefusalCode, refusalOf } from "./request-rules-fields.ts";
import { MESSAGES_RULES } from "./request-rules-messages.ts";
import { RESPONSES_RULES } from "./request-rules-responses.ts";
import type { Endpoint } from "./vocabulary.ts";

type CheckedRequest =
  | {
      readonly kind: "accepted";
      readonly model: string;
      /** What goes to the provider: the tenant's body with `store` off and without what changes nothing. */
      readonly body: Record<string, unknown>;
      /** Texts to embed; 0 elsewhere. */
      readonly inputs: number;
      /** The limit that the request sets on its output, over all choices, in tokens. */
      readonly maxOutputTokens: number | null;
    }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly message: string };

const RULES: Readonly<Record<Endpoint, EndpointRules>> = {
  "/v1/chat/completions": CHAT_RULES,
  "/v1/responses": RESPONSES_RULES,
  "/v1/embeddings": EMBEDDINGS_RULES,
  "/v1/messages": MESSAGES_RULES,
};

function schemaOf({ kept, dropped }: EndpointRules): z.ZodType {
  return z.strictObject({ ...kept, ...dropped });
}

const SCHEMAS: Readonly<Record<Endpoint, z.ZodType>> = {
  "/v1/chat/completions": schemaOf(CHAT_RULES),
  "/v1/responses": schemaOf(RESPONSES_RULES),
  "/v1/embeddings": schemaOf(EMBEDDINGS_RULES),
  "/v1/messages": schemaOf(MESSAGES_RULES),
};

/** The fields of an accepted body that are read here; its rules have checked them where the endpoint has them. */
const readFieldsSchema = z.object({
  model: z.string(),
  input: z.unknown().optional(),
  n: z.number().nullish(),
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  max_output_tokens: z.number().nullish(),
});

/**
 * Checks a request's body against what its endpoint takes here. All tenants share one account at the provider, so
 * nothing may refer to what is stored there; and everything must be billed by priced tokens alone. What is accepted is
 * accepted again, unchanged, when it is checked a second time.
 */
export function checkRequest(request: ProviderRequest): CheckedRequest {
  const { endpoint, body } = request;
  const parsed = SCHEMAS[endpoint].safeParse(body);
  if (!parsed.success) return { kind: "refused", ...refusalOf(parsed.error) };
  const { kept, forced } = RULES[endpoint];
  const fields = readFieldsSchema.parse(body);
  const limit = fields.max_completion_tokens ?? fields.max_tokens ?? fields.max_output_tokens ?? null;
  return {
    kind: "accepted",
    model: fields.model,
    // The tenant's own values rather than zod's copies: nested fields keep the order in which they were written.
    body: {
      ...Object.fromEntries(Object.entries(body).filter(([field]) => Object.hasOwn(kept, field))),
      ...forced,
    },
    inputs: endpoint === "/v1/embeddings" ? countInputs(fields.input) : 0,
    maxOutputTokens: limit === null ? null : limit * (fields.n ?? 1),
  };
}

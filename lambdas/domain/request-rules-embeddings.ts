import { z } from "zod";
import type { EndpointRules } from "./request-rules-fields.ts";

/** OpenAI's limit on the texts of one request. */
const MAX_INPUTS = 2048;

const text = z.string().min(1);
const tokenIds = z.array(z.number().int().nonnegative()).min(1);

export const EMBEDDINGS_RULES: EndpointRules = {
  kept: {
    model: z.string().min(1),
    input: z.union([
      text,
      tokenIds,
      z.array(text).min(1).max(MAX_INPUTS),
      z.array(tokenIds).min(1).max(MAX_INPUTS),
    ]),
    dimensions: z.number().int().positive().optional(),
    encoding_format: z.enum(["float", "base64"]).optional(),
    user: z.string().optional(),
  },
  dropped: {},
  forced: {},
};

/** How many texts an accepted `input` asks to embed: an array of numbers is one text, given as tokens. */
export function countInputs(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
}

import { z } from "zod";
import type { Instant } from "./instant.ts";
import { findPrice } from "./prices.ts";
import type { DirectLane } from "./vocabulary.ts";

const tieredSchema = z.object({ service_tier: z.string() });

/**
 * The lane in which an answer is billed. OpenAI names the tier that a call was served in, which may be another than the one
 * asked for (API reference, `service_tier` of chat completions and responses, read 2026-11-21); Anthropic's answers, and
 * embeddings, name none. A tier without a price here cannot have been asked for, and is not taken for one.
 */
export function servedLane(
  model: string,
  response: unknown,
  { lane, at }: { readonly lane: DirectLane; readonly at: Instant },
): DirectLane {
  const tier = tieredSchema.safeParse(response).data?.service_tier;
  if (tier === "default") return "sync";
  return tier === "flex" && findPrice(model, "flex", at) !== undefined ? "flex" : lane;
}

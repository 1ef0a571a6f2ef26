import { resolveModel } from "./aliases.ts";
import { canonicalJson } from "./canonical-json.ts";
import { embeddingAnswerBytes } from "./embedding-size.ts";
import { SHARED, dedicatedTo } from "./group.ts";
import { contentHash, jobIdOf } from "./ids.ts";
import type { Instant } from "./instant.ts";
import type { JobMessage, ProviderRequest } from "./job-message.ts";
import { JOB_RECORD_VERSION, type JobRecord } from "./job-record.ts";
import { PROVIDER_BATCH_LIMITS, type TierDueSeconds } from "./limits.ts";
import { findPrice, isKnownModel, pricedInputTokens } from "./prices.ts";
import { requestLineBytes } from "./request-line.ts";
import { checkRequest } from "./request-rules.ts";
import type { Tenant } from "./tenant-policy.ts";
import { estimateInputTokens } from "./token-estimate.ts";
import { dueOf, firstLane, tierOf } from "./tiers.ts";

/** No ordinary text has more tokens than half its bytes: the bound by which a request is surely within its price. */
const FEWEST_BYTES_PER_TOKEN = 2;
/** Assumed length of an answer whose request sets no limit, for the estimate of a call that never answered. */
const ASSUMED_OUTPUT_TOKENS = 1024;
/** No answer is longer. A request may set any limit, and a record holds no number beyond JSON's exact integers. */
const MOST_OUTPUT_TOKENS = 100_000_000;

/** One line of output is held whole while its batch, which many share, is collected and settled. */
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

export type Refusal = { readonly code: string; readonly message: string };

export type Admission =
  | { readonly kind: "admitted"; readonly record: JobRecord }
  | ({ readonly kind: "refused" } & Refusal);

export type AdmissionSettings = {
  readonly tierDueSeconds: TierDueSeconds;
  readonly maxRequestBytes: number;
};

function refused(code: string, message: string): Admission {
  return { kind: "refused", code, message };
}

/**
 * Whether a valid message becomes a job, and which. Depends on the message, the tenant's policy and the price table at
 * the time SQS took the message: a redelivery decides the same. `request` is the message's own or the uploaded one.
 */
export function admit(
  message: JobMessage,
  request: ProviderRequest,
  tenant: Tenant,
  receivedAt: Instant,
  settings: AdmissionSettings,
): Admission {
  const checked = checkRequest(request);
  if (checked.kind === "refused") return refused(checked.code, checked.message);
  const { provider, endpoint } = request;
  const { inputs } = checked;
  const { policy } = tenant;
  const { tier, reason: tierReason } = tierOf(message.taskType, message.tier, policy);
  const { model, alias, route } = resolveModel(checked.model, tier, policy.routes);
  if (!isKnownModel(provider, endpoint, model)) {
    const routed = alias && `, which is what the alias "${alias.name}" stands for by the route ${route}`;
    return refused(
      "unknown_model",
      `no price is known for model "${model}" at ${provider} ${endpoint}${routed ?? ""}`,
    );
  }
  const body = alias ? { ...checked.body, model } : checked.body;
  const { lane, reason } = firstLane(message.taskType, tier, policy);
  if (!findPrice(model, lane, receivedAt) || !findPrice(model, "sync", receivedAt)) {
    return refused("unpriced_lane", `model "${model}" has no price in the ${lane} lane`);
  }
  const jobId = jobIdOf(tenant.salt, message.tenantId, message.idempotencyKey);
  const lineBytes = requestLineBytes(provider, endpoint, body);
  const limits = PROVIDER_BATCH_LIMITS[provider];
  if (lineBytes > settings.maxRequestBytes || lineBytes > limits.maxBytes) {
    return refused(
      "request_too_large",
      `the request has ${lineBytes} bytes; ${settings.maxRequestBytes} are allowed`,
    );
  }
  if (embeddingAnswerBytes(inputs, body) > MOST_ANSWER_BYTES) {
    return refused(
      "answer_too_large",
      `${inputs} inputs make an answer that is too large for one line: send them as several jobs, or ask for fewer dimensions`,
    );
  }
  const longest = pricedInputTokens(model) * FEWEST_BYTES_PER_TOKEN;
  if (lineBytes > longest) {
    return refused(
      "unpriced_length",
      `"${model}" costs more for long requests, at a price that is not known here: ${longest} bytes are allowed`,
    );
  }
  return {
    kind: "admitted",
    record: {
      version: JOB_RECORD_VERSION,
      jobId,
      tenantId: message.tenantId,
      idempotencyKey: message.idempotencyKey,
      requestHash: contentHash(canonicalJson(request), 32),
      taskType: message.taskType,
      vertical: message.vertical,
      agentId: message.agentId,
      tier,
      tierReason,
      lane,
      // A job that runs at once keeps nothing but its lane's reason in the job map.
      laneReason: lane === "batch" ? reason : `${reason} (${tier}: ${tierReason})`,
      receivedAt,
      due: dueOf(tier, message.deadline, receivedAt, settings.tierDueSeconds),
      effectiveForSeconds: message.freshness?.effectiveForSeconds,
      metadata: message.metadata,
      alias,
      ...(policy.cancelAtDue.includes(tier) && { cancelAtDue: true }),
      group: {
        provider,
        account: provider,
        endpoint,
        model,
        isolation: policy.isolation === "dedicated" ? dedicatedTo(message.tenantId) : SHARED,
      },
      estimate: {
        inputTokens: estimateInputTokens(provider, body),
        outputTokens:
          endpoint === "/v1/embeddings"
            ? 0
            : Math.min(checked.maxOutputTokens ?? ASSUMED_OUTPUT_TOKENS, MOST_OUTPUT_TOKENS),
      },
      inputs,
      lineBytes,
      body,
    },
  };
}

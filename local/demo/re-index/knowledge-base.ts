import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import {
  type JobInput,
  type IndexManifest,
  KnowledgeIndex,
  readResults,
  type SearchResult,
} from "../../../client/index.ts";
import { s3Client, s3VectorsClient } from "../../../lambdas/adapters/aws-clients.ts";
import { tenantIdSchema } from "../../../lambdas/domain/ids.ts";
import { jsonLines } from "../../../lambdas/domain/jsonl.ts";
import { knowledgePrefix, PREFIXES } from "../../../lambdas/domain/object-keys.ts";
import { vectorsOf } from "../../../lambdas/domain/re-index/embedding-job.ts";
import type { LocalGateway } from "../../gateway/local-gateway.ts";
import { operatorClients } from "../../gateway/operator-clients.ts";
import type { ProgressLine } from "../progress.ts";
import { resultQueues, sendJobs } from "../send-jobs.ts";

const inputLineSchema = z.object({ body: z.object({ input: z.array(z.string()) }) });

/** Seconds without news after which the wait for the index is given up. */
const PATIENCE_SECONDS = 120;

/** A tenant's app: it keeps documents in the bucket and looks things up in their index, with the client alone. */
export class KnowledgeBase {
  readonly index: KnowledgeIndex;
  /** The same, searched in the stand-in for S3 Vectors. */
  readonly #vectors: KnowledgeIndex;
  readonly clients: ReturnType<typeof operatorClients>;
  readonly #gateway: LocalGateway;
  readonly #tenantId: string;
  readonly #signal: AbortSignal;
  #queries = 0;

  constructor(gateway: LocalGateway, tenantId: string, signal: AbortSignal) {
    this.#gateway = gateway;
    this.#tenantId = tenantId;
    this.#signal = signal;
    this.clients = operatorClients(gateway.aws, gateway.outputs);
    const environment = {
      AWS_REGION: gateway.aws.region,
      AWS_ENDPOINT_URL: gateway.aws.endpoint,
      credentials: { accessKeyId: "local-operator", secretAccessKey: "local-operator" },
    };
    const place = { s3: s3Client(environment), bucket: this.clients.objects.bucket, tenantId };
    this.index = new KnowledgeIndex(place);
    const bucketArn = gateway.outputs["VectorBucketArn"] ?? "";
    this.#vectors = new KnowledgeIndex({
      ...place,
      vectors: { client: s3VectorsClient(environment), bucketArn },
    });
  }

  async put(source: string, body: string | Uint8Array): Promise<void> {
    await this.clients.objects.put(this.#key(source), body);
  }

  async remove(source: string): Promise<void> {
    await this.clients.objects.delete([this.#key(source)]);
  }

  /** Waits until the index is as `isThere` wants it and no document is on its way. Rejects when that never comes. */
  async settled(
    isThere: (manifest: IndexManifest) => boolean,
    progress: ProgressLine,
  ): Promise<IndexManifest> {
    let lastNews = progress.seconds;
    let sequence = 0;
    while (progress.seconds - lastNews < PATIENCE_SECONDS) {
      const manifest = await this.index.manifest();
      if (manifest && manifest.waiting === 0 && isThere(manifest)) {
        progress.show("waiting for the gateway to come to rest");
        const timeout = AbortSignal.timeout(PATIENCE_SECONDS * 1000);
        await this.#gateway.stack.quiesce({ signal: AbortSignal.any([this.#signal, timeout]) });
        return (await this.index.manifest()) ?? manifest;
      }
      if (manifest && manifest.sequence > sequence) lastNews = progress.seconds;
      sequence = manifest?.sequence ?? 0;
      const { documents = [], waiting = 0 } = manifest ?? {};
      progress.show(`${documents.length} documents in the index, ${waiting} wait for their embeddings`);
      await sleep(250, undefined, { signal: this.#signal });
    }
    throw new Error(`the index has not changed for ${PATIENCE_SECONDS} seconds`);
  }

  /** Texts that providers were given to embed, by the batches' own input files. */
  async textsInBatches(): Promise<number> {
    const { objects } = this.clients;
    let texts = 0;
    for await (const { key } of objects.list(PREFIXES.batches)) {
      if (!key.endsWith("/input.jsonl")) continue;
      for await (const { bytes } of jsonLines(objects.stream(key)))
        texts += inputLineSchema.parse(JSON.parse(Buffer.from(bytes).toString())).body.input.length;
    }
    return texts;
  }

  /**
   * What is nearest to a question, whose embedding is an urgent job like any other. Found in S3 Vectors; rejects when the
   * exact search of the files finds anything else.
   */
  async ask(question: string, model: string, limit: number) {
    const { sqs } = this.clients;
    const job: JobInput = {
      tenantId: this.#tenantId,
      idempotencyKey: `query-${(this.#queries += 1)}`,
      taskType: "kb_query",
      vertical: "knowledge",
      agentId: "demo",
      tier: "high",
      request: { provider: "openai", endpoint: "/v1/embeddings", body: { model, input: question } },
    };
    await sendJobs([job], this.#gateway.outputs, sqs, this.#signal);
    const vector = await this.#embeddingOf(job.idempotencyKey);
    const query = { vector, limit };
    const [found, exact] = [await this.#vectors.search(query), await this.index.search(query)];
    if (scoresOf(found) !== scoresOf(exact))
      throw new Error(`“${question}” finds other chunks in S3 Vectors than in the files`);
    return found;
  }

  async #embeddingOf(idempotencyKey: string): Promise<Float32Array> {
    const queueUrl = resultQueues(this.#gateway.outputs, [this.#tenantId]).get(this.#tenantId) ?? "";
    const options = { sqs: this.clients.sqs, queueUrl, maxWait: 30_000, signal: this.#signal };
    for await (const item of readResults(options)) {
      if (item.kind !== "result" || item.result.idempotencyKey !== idempotencyKey) continue;
      const [bytes] = vectorsOf(item.result.response, 1) ?? [];
      await item.ack();
      if (!bytes) throw new Error(`the question could not be embedded: ${item.result.error?.message}`);
      const view = Buffer.from(bytes);
      return Float32Array.from({ length: view.length / 4 }, (_, place) => view.readFloatLE(place * 4));
    }
    throw new Error("no answer came for the question");
  }

  #key(source: string): string {
    return `${knowledgePrefix(tenantIdSchema.parse(this.#tenantId))}${source}`;
  }
}

/** Equal scores stand for each other: the two ways put them in orders of their own. */
function scoresOf(found: SearchResult | undefined): string {
  return (found?.hits ?? []).map(({ score }) => score.toFixed(4)).join();
}

import { fastifyMultipart } from "@fastify/multipart";
import { fastify, type FastifyInstance } from "fastify";
import { addAnthropicBatchRoutes } from "./anthropic-batch-routes.ts";
import { addAnthropicMessageRoutes } from "./anthropic-message-routes.ts";
import { installAnthropicScope } from "./anthropic-scope.ts";
import type { Faults } from "./faults.ts";
import type { InvoiceStatement } from "./invoice.ts";
import { addOpenAiBatchRoutes } from "./openai-batch-routes.ts";
import { addOpenAiDirectRoutes } from "./openai-direct-routes.ts";
import { addOpenAiFileRoutes } from "./openai-file-routes.ts";
import { installOpenAiScope } from "./openai-scope.ts";
import { listSimulatedBatches, type SimulatedBatch } from "./simulator-batches.ts";
import type { ProviderSimulatorOptions } from "./simulator-options.ts";
import { addSimulatorRoutes } from "./simulator-routes.ts";
import { SimulatorState } from "./simulator-state.ts";

/** OpenAI and Anthropic on one loopback server. */
export interface ProviderSimulator {
  /** `http://127.0.0.1:<port>`; `/_simulator/invoice`, `/batches` and `/faults` lie below it. */
  readonly origin: string;
  /** For the openai SDK: ends in `/openai/v1`. */
  readonly openaiBaseUrl: string;
  /** For the Anthropic SDK, which adds `/v1` itself: ends in `/anthropic`. */
  readonly anthropicBaseUrl: string;
  readonly faults: Faults;
  invoice(): InvoiceStatement;
  batches(): readonly SimulatedBatch[];
  /** The names of the files that OpenAI's accounts hold. */
  files(): readonly string[];
  /** Stops every batch, ends every connection and removes every file. */
  close(): Promise<void>;
}

/** Starts the simulator in this thread. */
export async function startProviderSimulator(
  options: ProviderSimulatorOptions = {},
): Promise<ProviderSimulator> {
  const simulator = await SimulatorState.create(options);
  const app = fastify({
    forceCloseConnections: true,
    onProtoPoisoning: "ignore",
    bodyLimit: 64 * 1024 * 1024,
  });
  await addRoutes(app, simulator);
  const origin = await app.listen({ host: "127.0.0.1", port: options.port ?? 0 });
  return {
    origin,
    openaiBaseUrl: `${origin}/openai/v1`,
    anthropicBaseUrl: `${origin}/anthropic`,
    faults: simulator.faults,
    invoice: () => simulator.invoice.statement(),
    batches: () => listSimulatedBatches(simulator),
    files: () => [...simulator.openAiFiles.values()].map(({ filename }) => filename),
    close: async () => {
      await app.close();
      await simulator.close();
    },
  };
}

async function addRoutes(app: FastifyInstance, simulator: SimulatorState): Promise<void> {
  await app.register(fastifyMultipart);
  await app.register(
    async (scope) => {
      installOpenAiScope(scope, simulator);
      addOpenAiFileRoutes(scope, simulator);
      addOpenAiBatchRoutes(scope, simulator);
      addOpenAiDirectRoutes(scope, simulator);
    },
    { prefix: "/openai/v1" },
  );
  await app.register(
    async (scope) => {
      installAnthropicScope(scope, simulator);
      addAnthropicBatchRoutes(scope, simulator);
      addAnthropicMessageRoutes(scope, simulator);
    },
    { prefix: "/anthropic" },
  );
  await app.register(async (scope) => addSimulatorRoutes(scope, simulator), { prefix: "/_simulator" });
}

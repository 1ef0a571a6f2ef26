import { once } from "node:events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Operation } from "./faults.ts";
import type { StoredBytes } from "./file-store.ts";
import type { Provider } from "./model-catalog.ts";
import { injectedRefusal, ProviderRefusal } from "./provider-errors.ts";
import { hashText } from "./seeded-random.ts";
import type { SimulatorState } from "./simulator-state.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Names the call, for the faults that are aimed at it. */
    operation?: Operation;
  }
}

/** What the hooks below put before and after every route of one provider. */
export function installFaultHooks(app: FastifyInstance, simulator: SimulatorState, provider: Provider): void {
  app.addHook("onRequest", async (request, reply) => {
    const { operation } = request.routeOptions.config;
    const fault = operation && simulator.faults.takeHttpError(operation);
    if (!fault) return;
    await readToEnd(request);
    if (fault.retryAfterSeconds !== undefined) reply.header("retry-after", String(fault.retryAfterSeconds));
    throw new ProviderRefusal(injectedRefusal(provider, fault));
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const { operation } = request.routeOptions.config;
    const isLost = operation && reply.statusCode < 400 && simulator.faults.takeLostAnswer(operation);
    if (isLost) request.raw.socket.destroy();
    return payload;
  });
}

/** An answer sent while the client still writes would reach it as a broken connection. */
async function readToEnd(request: FastifyRequest): Promise<void> {
  if (request.raw.complete) return;
  request.raw.resume();
  await once(request.raw, "end");
}

/** The key of an `Authorization: Bearer` header. */
export function bearerKey(request: FastifyRequest): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

/** Accounts are told apart by their key, which is not kept. */
export function accountOf(provider: Provider, key: string): string {
  const prefix = provider === "openai" ? "org-" : "";
  return `${prefix}${hashText(`${provider}|${key}`).toString(36).padStart(11, "0")}`;
}

/** Streams a stored file, or its beginning only when a fault cuts the download. */
export function sendStored(
  simulator: SimulatorState,
  request: FastifyRequest,
  reply: FastifyReply,
  stored: StoredBytes,
  contentType: string,
): FastifyReply {
  const cut = simulator.faults.takeCutDownload();
  if (!cut) {
    reply.header("content-type", contentType).header("content-length", stored.bytes);
    return reply.send(simulator.store.read(stored));
  }
  reply.hijack();
  const { socket } = request.raw;
  reply.raw.writeHead(200, { "content-type": contentType, "content-length": stored.bytes });
  reply.raw.flushHeaders();
  if (cut.afterBytes === 0) {
    socket.destroySoon();
    return reply;
  }
  const beginning = simulator.store.read(stored, { end: cut.afterBytes - 1 });
  beginning.pipe(reply.raw, { end: false });
  beginning.once("end", () => socket.destroySoon());
  return reply;
}

/** The batches that a list shows by now: one that is created late in it counts its answers down. */
export function listedBatches<Batch extends { hiddenLists: number }>(batches: readonly Batch[]): Batch[] {
  return batches.filter((batch) => {
    if (batch.hiddenLists === 0) return true;
    batch.hiddenLists -= 1;
    return false;
  });
}

/** The page of `items` that follows the item `after`; an unknown cursor gives null. */
export function pageAfter<Item extends { id: string }>(
  items: readonly Item[],
  after: string | undefined,
  limit: number,
): { page: readonly Item[]; hasMore: boolean } | null {
  const start = after === undefined ? 0 : items.findIndex((item) => item.id === after) + 1;
  if (after !== undefined && start === 0) return null;
  return { page: items.slice(start, start + limit), hasMore: start + limit < items.length };
}

/** Requests and tokens of each account in the running minute, for the rate-limit headers; nothing is refused. */
export class RateWindow {
  readonly #counts = new Map<string, { requests: number; tokens: number }>();
  #minute = 0;

  add(account: string, tokens: number, now: number): { requests: number; tokens: number; resetMs: number } {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) this.#counts.clear();
    this.#minute = minute;
    const known = this.#counts.get(account) ?? { requests: 0, tokens: 0 };
    const count = { requests: known.requests + 1, tokens: known.tokens + tokens };
    this.#counts.set(account, count);
    return { ...count, resetMs: (minute + 1) * 60_000 - now };
  }
}

import { z } from "zod";

/** Either end of a pair of threads: a Worker as its maker sees it, or the worker's own `parentPort`. */
type ThreadPort = {
  postMessage(message: unknown, transfer: []): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
};

const messageSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("call"),
    id: z.number(),
    target: z.string(),
    method: z.string(),
    args: z.array(z.unknown()),
  }),
  z.object({ kind: z.literal("answer"), id: z.number(), value: z.unknown() }),
  z.object({ kind: z.literal("failure"), id: z.number(), name: z.string(), message: z.string() }),
]);
type Message = z.infer<typeof messageSchema>;
type Call = Extract<Message, { kind: "call" }>;

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/**
 * Method calls between two threads. Each side serves objects under names and calls the other side's as if they were its
 * own: arguments and answers are copied, an async iterable arrives whole, an error keeps its name but not its class.
 */
export class ThreadLink {
  readonly #port: ThreadPort;
  readonly #served: Readonly<Record<string, object>>;
  readonly #pending = new Map<number, Pending>();
  readonly #outgoing: Message[] = [];
  #calls = 0;
  #broken: Error | undefined;

  constructor(port: ThreadPort, served: Readonly<Record<string, object>>) {
    this.#port = port;
    this.#served = served;
    port.on("message", (messages) => {
      for (const message of z.array(messageSchema).parse(messages)) this.#hear(message);
    });
  }

  /** The other side's object of this name. What `own` holds stays on this side. */
  remote<Target extends object>(target: string, own: Partial<Target> = {}): Target {
    return new Proxy(own, {
      get: (_own, method) => {
        if (method in own) return Reflect.get(own, method);
        // Awaiting the object itself must not turn into a call of `then`.
        if (typeof method === "symbol" || method === "then") return undefined;
        return (...args: unknown[]) => this.#call(target, method, args);
      },
    }) as Target;
  }

  /** Fails every call under way, and those to come: the other thread is gone. */
  break(error: Error): void {
    this.#broken = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #call(target: string, method: string, args: unknown[]): object {
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#broken) throw this.#broken;
      const id = (this.#calls += 1);
      this.#pending.set(id, { resolve, reject });
      this.#send({ kind: "call", id, target, method, args });
    });
    const iterate = async function* () {
      yield* (await answer) as Iterable<unknown>;
    };
    return Object.assign(answer, { [Symbol.asyncIterator]: iterate });
  }

  /** Sends what one turn of the event loop comes to in one go: a message between threads costs more than what is in it. */
  #send(message: Message): void {
    if (this.#outgoing.length === 0) setImmediate(() => this.#port.postMessage(this.#outgoing.splice(0), []));
    this.#outgoing.push(message);
  }

  #hear(message: Message): void {
    if (message.kind === "call") {
      void this.#serve(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "answer") pending?.resolve(message.value);
    else pending?.reject(Object.assign(new Error(message.message), { name: message.name }));
  }

  async #serve({ id, target, method, args }: Call): Promise<void> {
    try {
      this.#send({ kind: "answer", id, value: await this.#perform(target, method, args) });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      this.#send({ kind: "failure", id, name, message });
    }
  }

  async #perform(target: string, method: string, args: unknown[]): Promise<unknown> {
    const object = this.#served[target] ?? {};
    const served: unknown = Reflect.get(object, method);
    if (typeof served !== "function") throw new TypeError(`nobody serves ${target}.${method}`);
    const result: unknown = Reflect.apply(served, object, args);
    return isAsyncIterable(result) ? Array.fromAsync(result) : result;
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

import { IncomingMessage, ServerResponse } from "node:http";
import type { OutgoingHttpHeaders } from "node:http";

/** A whole HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | Buffer;
}

/** Sends the answer with its exact length, unless the caller has gone. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

/** A response that keeps what an emulator answers instead of sending it, so that it can be read, changed or lost. */
export class HeldResponse extends ServerResponse {
  readonly answer: Promise<Answer>;
  readonly #settle: (answer: Answer) => void;
  readonly #chunks: Buffer[] = [];
  #headers: OutgoingHttpHeaders = {};

  constructor(request: IncomingMessage) {
    super(request);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.answer = promise;
    this.#settle = resolve;
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    this.statusCode = status;
    const headers = rest.at(-1);
    if (typeof headers === "object" && headers !== null) this.#headers = { ...headers };
    return this;
  }

  override write(chunk: unknown): boolean {
    this.#keep(chunk);
    return true;
  }

  override end(chunk?: unknown): this {
    this.#keep(chunk);
    this.#settle({
      status: this.statusCode,
      headers: { ...this.getHeaders(), ...this.#headers },
      body: Buffer.concat(this.#chunks),
    });
    // Marks the response as ended for the emulator's own bookkeeping; with no socket nothing is sent.
    return super.end();
  }

  #keep(chunk: unknown): void {
    if (typeof chunk === "string") this.#chunks.push(Buffer.from(chunk));
    else if (chunk instanceof Uint8Array) this.#chunks.push(Buffer.from(chunk));
  }
}

/** A request like `original` whose body has been read already, or was changed. */
export function replayRequest(
  original: IncomingMessage,
  changed: { url: string; headers: Record<string, string>; body: Buffer | string },
): IncomingMessage {
  const replay = new IncomingMessage(original.socket);
  replay.method = original.method;
  replay.url = changed.url;
  replay.headers = { ...changed.headers, "content-length": String(Buffer.byteLength(changed.body)) };
  replay.push(changed.body);
  replay.push(null);
  // Otherwise the end of this body would be taken for an aborted request and close the caller's connection.
  replay.complete = true;
  return replay;
}

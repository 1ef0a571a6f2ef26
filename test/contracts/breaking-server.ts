import { once } from "node:events";
import { createServer } from "node:http";
import { environmentAt } from "./emulators.ts";

export type BreakingServer = {
  readonly environment: ReturnType<typeof environmentAt>;
  /** The ranges asked for so far, undefined for the whole object. */
  readonly ranges: (string | undefined)[];
  stop(): Promise<void>;
};

/**
 * An S3 that holds one object under every key and breaks the connection after `piece` bytes of each body, or before
 * the first byte when `piece` is 0.
 */
export async function startBreakingServer(object: Uint8Array, piece: number): Promise<BreakingServer> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    const [, from = "0", to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const body = object.subarray(Number(from), to === undefined ? undefined : Number(to) + 1);
    response.writeHead(range === undefined ? 200 : 206, { "content-length": body.byteLength, etag: '"one"' });
    response.flushHeaders();
    if (body.byteLength <= piece) response.end(body);
    else if (piece === 0) response.destroy();
    else response.write(body.subarray(0, piece), () => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    environment: environmentAt(server),
    ranges,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import dynalite from "dynalite";
import { buildApp } from "fauxqs";

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

export interface Emulators {
  /** fauxqs: SQS and S3. */
  readonly queuesAndBuckets: Serve;
  /** dynalite: DynamoDB, in memory. */
  readonly tables: Serve;
  /** Ends long polls that are under way. */
  close(): Promise<void>;
}

/**
 * The emulators, called by function instead of through ports of their own: a second HTTP hop costs more than they do
 * (measured: half of all requests per second).
 */
export async function startEmulators(): Promise<Emulators> {
  const fauxqs = buildApp({ logger: false });
  await fauxqs.ready();
  const tables: Server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return {
    queuesAndBuckets: (request, response) => {
      fauxqs.routing(request, response);
    },
    tables: (request, response) => {
      tables.emit("request", request, response);
    },
    close: async () => {
      await fauxqs.close();
    },
  };
}

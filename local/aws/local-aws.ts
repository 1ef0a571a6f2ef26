import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { z } from "zod";
import { ACCOUNT_ID, REGION } from "./account.ts";
import { DynamodbService } from "./dynamodb-service.ts";
import { startEmulators } from "./emulators.ts";
import { Endpoint } from "./endpoint.ts";
import type { Denial } from "./endpoint.ts";
import { FaultPlan } from "./faults.ts";
import type { Fault } from "./faults.ts";
import type { Meter } from "./meter.ts";
import type { PolicyDocument } from "./policy-document.ts";
import { Principals } from "./principals.ts";
import type { Principal } from "./principals.ts";
import type { ObjectEvent } from "../events/s3-event.ts";
import { S3Service } from "./s3-service.ts";
import { S3VectorsService } from "./s3-vectors-service.ts";
import { SecretsService } from "./secrets-service.ts";
import { type MailHandler, SesService } from "./ses-service.ts";
import { SqsService } from "./sqs-service.ts";
import { StatesService } from "./states-service.ts";
import type { StatesHandler } from "./states-service.ts";

export type { Denial } from "./endpoint.ts";
export type { Fault, FaultKind } from "./faults.ts";
export type { PolicyDocument } from "./policy-document.ts";
export type { Principal } from "./principals.ts";
export type { StatesHandler } from "./states-service.ts";

/** SQS, S3, DynamoDB, Secrets Manager, Step Functions and stand-ins for SES and S3 Vectors on one port of this machine. */
export interface LocalAws {
  /** `http://127.0.0.1:PORT`, one for all services. */
  readonly endpoint: string;
  readonly region: string;
  readonly accountId: string;
  /**
   * Makes an access key for a role: calls signed with it are checked against the policies. Any other key is the
   * account's root user, who may do everything. Throws on a policy that the checker cannot judge.
   */
  registerPrincipal(role: { roleName: string; policies: readonly PolicyDocument[] }): Principal;
  /** Hands Step Functions API calls to `handler`. Throw AwsError in it to answer an error. */
  onStates(handler: StatesHandler): void;
  /** Tells `handler` of every object that was stored or deleted. The emulator itself raises no events. */
  onObject(handler: (event: ObjectEvent) => void): void;
  /** Has `handler` keep every e-mail that is sent. Without one they are lost. */
  onMail(handler: MailHandler): void;
  readonly secrets: {
    /** Creates the secret or gives it a new value. Returns its ARN. */
    put(name: string, value: string): string;
  };
  readonly vectors: {
    /** Makes the vector bucket with this ARN, if there is none. */
    createBucket(arn: string): void;
  };
  /** IAM action → requests, refused ones included. */
  readonly counts: ReadonlyMap<string, number>;
  /** What roles were refused, in order. */
  readonly denials: readonly Denial[];
  readonly faults: {
    /** Arms a fault. Returns the function that disarms it. */
    add(fault: Fault): () => void;
  };
  /** Ends open requests and long polls, and frees the port. All state is lost. */
  close(): Promise<void>;
}

/** Starts the local AWS on 127.0.0.1. Without `port` the system picks one. `meter` counts what requests would be billed by. */
export async function startLocalAws(options: { port?: number; meter?: Meter } = {}): Promise<LocalAws> {
  const emulators = await startEmulators();
  const principals = new Principals(ACCOUNT_ID);
  const faults = new FaultPlan();
  const observations = { counts: new Map<string, number>(), denials: new Array<Denial>() };
  let url = "";
  const services = {
    sqs: new SqsService(emulators.queuesAndBuckets, () => url),
    s3: new S3Service(emulators.queuesAndBuckets),
    dynamodb: new DynamodbService(emulators.tables, options.meter !== undefined),
    secretsmanager: new SecretsService(),
    ses: new SesService(),
    s3vectors: new S3VectorsService(),
    states: new StatesService(),
  };
  const endpoint = new Endpoint({ services, principals, faults, observations, meter: options.meter });
  const server = createServer((request, response) => void endpoint.handle(request, response));
  // A client that reuses an idle connection just as it is closed sees a reset: leave closing to the clients.
  server.keepAliveTimeout = 0;
  url = `http://127.0.0.1:${await listen(server, options.port ?? 0)}`;
  return {
    endpoint: url,
    region: REGION,
    accountId: ACCOUNT_ID,
    registerPrincipal: (role) => principals.register(role),
    onStates: (handler) => services.states.onStates(handler),
    onObject: (handler) => services.s3.onObject(handler),
    onMail: (handler) => services.ses.onMail(handler),
    secrets: { put: (name, value) => services.secretsmanager.put(name, value) },
    vectors: { createBucket: (arn) => services.s3vectors.createBucket(arn) },
    counts: observations.counts,
    denials: observations.denials,
    faults,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      await emulators.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return z.object({ port: z.number() }).parse(server.address()).port;
}

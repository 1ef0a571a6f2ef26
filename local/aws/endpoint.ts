import type { IncomingMessage, ServerResponse } from "node:http";
import { HeldResponse, sendAnswer } from "./answer.ts";
import { AwsError, errorAnswer } from "./aws-error.ts";
import { callerOf } from "./caller.ts";
import type { FaultKind, FaultPlan } from "./faults.ts";
import type { Meter } from "./meter.ts";
import type { Access } from "./permissions.ts";
import type { KnownPrincipal, Principals } from "./principals.ts";
import type { Call, Service } from "./service.ts";

export interface Denial {
  readonly action: string;
  readonly resource: string;
  readonly roleName: string;
}

/** What the endpoint has seen, for tests and reports. */
interface Observations {
  /** IAM action → requests. A request that needs several actions counts for each. */
  readonly counts: Map<string, number>;
  readonly denials: Denial[];
}

export interface EndpointParts {
  readonly services: Readonly<Record<string, Service>>;
  readonly principals: Principals;
  readonly faults: FaultPlan;
  readonly observations: Observations;
  /** Counts what requests would be billed by. */
  readonly meter?: Meter | undefined;
}

/** The way of every request: who, what, may they, does a fault strike, do it. */
export class Endpoint {
  readonly #parts: EndpointParts;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
  }

  /** Answers the request. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = callerOf(request);
    const service = this.#parts.services[caller?.service ?? ""];
    if (caller === null || service === undefined) {
      sendAnswer(response, errorAnswer(unserved(caller?.service), "json"));
      return;
    }
    try {
      const principal = this.#parts.principals.find(caller.accessKeyId);
      const call = await service.read(request);
      this.#count(call);
      if (principal !== null) await this.#check(service, call, principal);
      await this.#run(request, response, { service, call, principal });
    } catch (error) {
      answerError(response, service, error);
    }
  }

  #count(call: Call): void {
    const { counts } = this.#parts.observations;
    for (const action of new Set(call.accesses.map((access) => access.action)))
      counts.set(action, (counts.get(action) ?? 0) + 1);
  }

  /** Throws the service's AccessDenied error unless the role holds every permission. */
  async #check(service: Service, call: Call, principal: KnownPrincipal): Promise<void> {
    for (const access of call.accesses) {
      if (principal.permissions.decide(access) !== "allowed") throw this.#deny(service, access, principal);
    }
    const { whenMissing } = call;
    if (whenMissing === undefined || principal.permissions.decide(whenMissing.access) === "allowed") return;
    if (await whenMissing.isMissing()) throw this.#deny(service, whenMissing.access, principal);
  }

  #deny(service: Service, { action, resource }: Access, { roleName, roleArn }: KnownPrincipal): AwsError {
    this.#parts.observations.denials.push({ action, resource, roleName });
    const { name, status } = service.errors.accessDenied;
    const message = `${roleArn} is not authorized to perform: ${action} on resource: ${resource}`;
    return new AwsError(name, message, status);
  }

  async #run(
    request: IncomingMessage,
    response: ServerResponse,
    { service, call, principal }: { service: Service; call: Call; principal: KnownPrincipal | null },
  ): Promise<void> {
    const fault = this.#parts.faults.strike({
      operation: call.operation,
      accesses: call.accesses,
      roleName: principal?.roleName ?? null,
      canRunPartly: call.runPartly !== undefined,
    });
    switch (fault) {
      case "throttle":
      case "fail-before":
        throw injected(service, fault);
      case "fail-after": {
        const held = new HeldResponse(request);
        await call.run(held, principal);
        await held.answer;
        request.socket.destroy();
        return;
      }
      case "unprocessed":
        await call.runPartly?.(response, principal);
        return;
      case null:
        await this.#runMetered(request, response, { call, principal });
    }
  }

  async #runMetered(
    request: IncomingMessage,
    response: ServerResponse,
    { call, principal }: { call: Call; principal: KnownPrincipal | null },
  ): Promise<void> {
    const { meter } = this.#parts;
    const { operation, input } = call;
    const roleName = principal?.roleName ?? null;
    if (meter === undefined || input === undefined) {
      meter?.count(roleName, { operation });
      return call.run(response, principal);
    }
    const held = new HeldResponse(request);
    await call.run(held, principal);
    const answer = await held.answer;
    meter.count(roleName, { operation, input, answer });
    sendAnswer(response, answer);
  }
}

function injected(service: Service, kind: FaultKind): AwsError {
  const { name, status } = kind === "throttle" ? service.errors.throttled : service.errors.internal;
  return new AwsError(name, "an injected fault", status);
}

function unserved(service: string | undefined): AwsError {
  return service === undefined
    ? new AwsError("MissingAuthenticationToken", "the request is not signed", 403)
    : new AwsError("UnsupportedOperation", `the service ${service} is not served here`);
}

function answerError(response: ServerResponse, service: Service, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known =
    error instanceof AwsError
      ? error
      : new AwsError(
          service.errors.internal.name,
          error instanceof Error ? error.message : String(error),
          500,
        );
  sendAnswer(response, errorAnswer(known, service.errors.format));
}

import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { ACCOUNT_ID, REGION } from "./account.ts";
import { sendAnswer } from "./answer.ts";
import { AwsError, ERROR_STYLES } from "./aws-error.ts";
import { access, parseRequest, readJsonRequest, unmapped } from "./service.ts";
import type { Call, JsonInput, Service } from "./service.ts";

interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly value: string | null;
  readonly versionId: string;
  /** Seconds since 1970, as the wire format has it. */
  readonly createdAt: number;
}

const idSchema = z.object({ SecretId: z.string(), VersionStage: z.literal("AWSCURRENT").optional() });
const putSchema = z.object({
  SecretId: z.string(),
  SecretString: z.string("only SecretString is kept here, no SecretBinary"),
});
const createSchema = z.object({ Name: z.string(), SecretString: z.string().optional() });

/** Secrets Manager, in memory: the current version of each secret and nothing else. */
export class SecretsService implements Service {
  readonly errors = ERROR_STYLES.secretsmanager;
  readonly #secrets = new Map<string, Secret>();

  /** Creates the secret or gives it a new value. Returns its ARN. */
  put(name: string, value: string | null): string {
    const arn = this.#secrets.get(name)?.arn ?? secretArn(name);
    this.#secrets.set(name, { arn, name, value, versionId: randomUUID(), createdAt: Date.now() / 1000 });
    return arn;
  }

  async read(request: IncomingMessage): Promise<Call> {
    const { operation, input } = await readJsonRequest(request);
    const perform = this.#operation(operation);
    return {
      operation: `secretsmanager:${operation}`,
      accesses: [access(`secretsmanager:${operation}`, arnOf(operation, input))],
      run: (response) => {
        sendAnswer(response, {
          status: 200,
          headers: { "content-type": "application/x-amz-json-1.1" },
          body: JSON.stringify(perform(input)),
        });
      },
    };
  }

  #operation(name: string): (input: JsonInput) => unknown {
    switch (name) {
      case "GetSecretValue":
        return (input) => this.#getValue(input);
      case "DescribeSecret":
        return (input) => this.#describe(input);
      case "PutSecretValue":
        return (input) => this.#putValue(input);
      case "CreateSecret":
        return (input) => this.#create(input);
      default:
        throw unmapped(`secretsmanager:${name}`);
    }
  }

  #getValue(input: JsonInput): unknown {
    const secret = this.#find(parseRequest(idSchema, input).SecretId);
    if (secret.value === null)
      throw new AwsError("ResourceNotFoundException", `the secret ${secret.name} has no value yet`);
    return { ...version(secret), SecretString: secret.value, CreatedDate: secret.createdAt };
  }

  #describe(input: JsonInput): unknown {
    const secret = this.#find(parseRequest(idSchema, input).SecretId);
    return {
      ARN: secret.arn,
      Name: secret.name,
      LastChangedDate: secret.createdAt,
      VersionIdsToStages: secret.value === null ? {} : { [secret.versionId]: ["AWSCURRENT"] },
    };
  }

  #putValue(input: JsonInput): unknown {
    const { SecretId, SecretString } = parseRequest(putSchema, input);
    const { name } = this.#find(SecretId);
    this.put(name, SecretString);
    return version(this.#find(name));
  }

  #create(input: JsonInput): unknown {
    const { Name, SecretString } = parseRequest(createSchema, input);
    if (this.#secrets.has(Name))
      throw new AwsError("ResourceExistsException", `the secret ${Name} already exists`);
    this.put(Name, SecretString ?? null);
    return version(this.#find(Name));
  }

  #find(id: string): Secret {
    const secret = this.#secrets.get(nameOf(id));
    if (secret === undefined || (id.startsWith("arn:") && secret.arn !== id))
      throw new AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    return secret;
  }
}

function version(secret: Secret): Record<string, unknown> {
  const current = secret.value === null ? {} : { VersionId: secret.versionId, VersionStages: ["AWSCURRENT"] };
  return { ARN: secret.arn, Name: secret.name, ...current };
}

function arnOf(operation: string, input: JsonInput): string {
  if (operation === "CreateSecret") return secretArn(parseRequest(createSchema, input).Name);
  const { SecretId } = parseRequest(idSchema, input);
  return SecretId.startsWith("arn:") ? SecretId : secretArn(SecretId);
}

/** The ARN ends in six characters that AWS draws; here they follow from the name, so that every run has the same. */
function secretArn(name: string): string {
  const suffix = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `arn:aws:secretsmanager:${REGION}:${ACCOUNT_ID}:secret:${name}-${suffix}`;
}

function nameOf(id: string): string {
  return id.startsWith("arn:") ? id.replace(/^.*:secret:/, "").replace(/-[^-]{6}$/, "") : id;
}

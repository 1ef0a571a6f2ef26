import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { ACCOUNT_ID, queueArn, REGION } from "./account.ts";
import { HeldResponse, replayRequest, sendAnswer } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { ERROR_STYLES } from "./aws-error.ts";
import type { Serve } from "./emulators.ts";
import { MessageSenders } from "./message-senders.ts";
import type { Principal } from "./principals.ts";
import { access, parseRequest, readJsonRequest, unmapped } from "./service.ts";
import type { Call, JsonInput, JsonRequest, Service } from "./service.ts";
import { deletedReceipts, receivedMessages, sentMessages, storedMessages } from "./sqs-messages.ts";

// API operation → IAM action. Batches need the permission of their single form.
const ACTIONS: Readonly<Record<string, string>> = {
  ChangeMessageVisibility: "sqs:ChangeMessageVisibility",
  ChangeMessageVisibilityBatch: "sqs:ChangeMessageVisibility",
  CreateQueue: "sqs:CreateQueue",
  DeleteMessage: "sqs:DeleteMessage",
  DeleteMessageBatch: "sqs:DeleteMessage",
  DeleteQueue: "sqs:DeleteQueue",
  GetQueueAttributes: "sqs:GetQueueAttributes",
  GetQueueUrl: "sqs:GetQueueUrl",
  ListQueues: "sqs:ListQueues",
  ListQueueTags: "sqs:ListQueueTags",
  PurgeQueue: "sqs:PurgeQueue",
  ReceiveMessage: "sqs:ReceiveMessage",
  SendMessage: "sqs:SendMessage",
  SendMessageBatch: "sqs:SendMessage",
  SetQueueAttributes: "sqs:SetQueueAttributes",
  TagQueue: "sqs:TagQueue",
  UntagQueue: "sqs:UntagQueue",
};

// fauxqs names its queues by this host, whatever host it is called under.
const EMULATOR_HOST = `sqs.${REGION}.localhost`;

const inputSchema = z.looseObject({ QueueUrl: z.string().optional(), QueueName: z.string().optional() });
const batchSchema = z.looseObject({ Entries: z.array(z.looseObject({ Id: z.string() })) });
const urlsSchema = z.looseObject({
  QueueUrl: z.string().optional(),
  QueueUrls: z.array(z.string()).optional(),
});
const batchAnswerSchema = z.looseObject({ Failed: z.array(z.unknown()).default([]) });

/**
 * SQS over fauxqs. Queue URLs in answers are under `endpoint()`; in requests any URL or path that ends in the queue's
 * name is taken.
 */
export class SqsService implements Service {
  readonly errors = ERROR_STYLES.sqs;
  readonly #senders = new MessageSenders();
  readonly #emulator: Serve;
  readonly #endpoint: () => string;

  constructor(emulator: Serve, endpoint: () => string) {
    this.#emulator = emulator;
    this.#endpoint = endpoint;
  }

  async read(request: IncomingMessage): Promise<Call> {
    const json = await readJsonRequest(request);
    const action = ACTIONS[json.operation];
    if (action === undefined) throw unmapped(`sqs:${json.operation}`);
    const { QueueUrl, QueueName } = parseRequest(inputSchema, json.input);
    const name = QueueName ?? QueueUrl?.slice(QueueUrl.lastIndexOf("/") + 1);
    const call = {
      operation: `sqs:${json.operation}`,
      input: json.input,
      accesses: [access(action, name === undefined ? "*" : queueArn(name))],
      run: async (response: ServerResponse, caller: Principal | null) => {
        sendAnswer(response, await this.#perform(request, json, json.input, caller));
      },
    };
    if (!json.operation.endsWith("Batch")) return call;
    return {
      ...call,
      runPartly: async (response, caller) =>
        sendAnswer(response, await this.#performPartly(request, json, caller)),
    };
  }

  async #perform(
    request: IncomingMessage,
    json: JsonRequest,
    input: JsonInput,
    caller: Principal | null,
  ): Promise<Answer> {
    const { QueueUrl } = parseRequest(inputSchema, input);
    const stored = json.operation.startsWith("SendMessage") ? storedMessages(input) : input;
    const replayed = replayRequest(request, {
      url: "/",
      headers: {
        host: "localhost",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `AmazonSQS.${json.operation}`,
      },
      body: JSON.stringify(QueueUrl === undefined ? stored : { ...stored, QueueUrl: emulatorUrl(QueueUrl) }),
    });
    const held = new HeldResponse(replayed);
    this.#emulator(replayed, held);
    const answer = await held.answer;
    return answer.status === 200 ? this.#follow(json.operation, input, answer, caller) : answer;
  }

  /** Puts into the answer what the emulator cannot know, and keeps account of senders. */
  #follow(operation: string, input: JsonInput, answer: Answer, caller: Principal | null): Answer {
    const text = answer.body.toString();
    const { QueueUrl = "" } = parseRequest(inputSchema, input);
    const arn = queueArn(QueueUrl.slice(QueueUrl.lastIndexOf("/") + 1));
    switch (operation) {
      case "SendMessage":
      case "SendMessageBatch": {
        const senderId = caller === null ? null : `${caller.roleId}:${caller.roleName}`;
        const remember = (messageId: string) => this.#senders.sent(messageId, { senderId, queueArn: arn });
        return { ...answer, body: sentMessages(text, input, remember) };
      }
      case "DeleteMessage":
      case "DeleteMessageBatch":
        for (const receipt of deletedReceipts(input)) this.#senders.deleted(receipt);
        return answer;
      case "ReceiveMessage":
        return { ...answer, body: receivedMessages(text, input, arn, this.#senders) };
      case "CreateQueue":
      case "GetQueueUrl":
      case "ListQueues":
        return { ...answer, body: this.#withOwnUrls(text) };
      default:
        return answer;
    }
  }

  #withOwnUrls(text: string): string {
    const urls = urlsSchema.parse(JSON.parse(text));
    return JSON.stringify({
      ...urls,
      ...(urls.QueueUrl === undefined ? {} : { QueueUrl: this.#ownUrl(urls.QueueUrl) }),
      ...(urls.QueueUrls === undefined ? {} : { QueueUrls: urls.QueueUrls.map((url) => this.#ownUrl(url)) }),
    });
  }

  #ownUrl(emulatorUrl: string): string {
    return `${this.#endpoint()}${new URL(emulatorUrl).pathname}`;
  }

  /** The first half is done; the others fail with an error of the service, as SQS reports them. */
  async #performPartly(
    request: IncomingMessage,
    json: JsonRequest,
    caller: Principal | null,
  ): Promise<Answer> {
    const { Entries } = parseRequest(batchSchema, json.input);
    const kept = Entries.slice(0, Math.floor(Entries.length / 2));
    const answer: Answer =
      kept.length === 0
        ? {
            status: 200,
            headers: { "content-type": "application/x-amz-json-1.0" },
            body: '{"Successful":[]}',
          }
        : await this.#perform(request, json, { ...json.input, Entries: kept }, caller);
    if (answer.status !== 200) return answer;
    const body = batchAnswerSchema.parse(JSON.parse(answer.body.toString()));
    const failed = Entries.slice(kept.length).map(({ Id }) => ({
      Id,
      SenderFault: false,
      Code: this.errors.internal.name,
      Message: "not processed: an injected fault",
    }));
    return { ...answer, body: JSON.stringify({ ...body, Failed: [...body.Failed, ...failed] }) };
  }
}

function emulatorUrl(queueUrl: string): string {
  return `http://${EMULATOR_HOST}/${ACCOUNT_ID}/${queueUrl.slice(queueUrl.lastIndexOf("/") + 1)}`;
}

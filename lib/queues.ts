import { Duration } from "aws-cdk-lib";
import { ArnPrincipal, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { TIERS, type Tier } from "../lambdas/domain/vocabulary.ts";
import { type Workload, WORKLOADS } from "../lambdas/domain/workloads.ts";
import { FLEX_VISIBILITY, URGENT_VISIBILITY, visibilityFor, WORKLOAD_VISIBILITY } from "./function-limits.ts";
import type { StageSettings } from "./stage-settings.ts";

/** Longer than any outage we expect to sleep through; a message moved to the dead letters keeps its first time. */
const RETENTION = Duration.days(4);
const DEAD_LETTER_RETENTION = Duration.days(14);

const SECURED = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

type QueueProps = { readonly visibilityTimeout: Duration; readonly maxReceiveCount: number };

/** A queue and the one its messages go to when they could not be worked on. */
export type QueuePair = { readonly queue: Queue; readonly deadLetters: Queue };

/** All queues of the stage. Tenants write to the job queues only; their own result queues are made by the operator. */
export class Queues extends Construct {
  readonly jobs: Readonly<Record<Tier, QueuePair>>;
  /** Claimed jobs to be run directly: escalations and dead letters sent again. */
  readonly runs: QueuePair;
  /** Of those, the calls of the flex lane, which take minutes; what nobody can run goes to the dead letters of `runs`. */
  readonly flexRuns: Queue;
  /** Results that are ready for their tenants' own queues. */
  readonly deliveries: QueuePair;
  /** Results of the workloads' own jobs, for each workload that the stage has. */
  readonly workloads: Readonly<Partial<Record<Workload, QueuePair>>>;
  /** Documents of knowledge bases that have changed, where the stage re-indexes them. */
  readonly knowledgeChanges: QueuePair | undefined;
  /** Calls to be analysed and S3's events of inboxes, where the stage has post-call analytics. */
  readonly transcripts: QueuePair | undefined;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    const direct = { visibilityTimeout: URGENT_VISIBILITY, maxReceiveCount: 8 };
    const gathered = {
      visibilityTimeout: visibilityFor("AdmitJobs", settings.admission.batchingWindowSeconds),
      maxReceiveCount: 5,
    };
    const pair = (name: string, props: QueueProps) =>
      this.#pair(`${settings.stackName}-${name}`, name, props);
    this.jobs = {
      critical: pair("jobs-critical", direct),
      high: pair("jobs-high", direct),
      normal: pair("jobs-normal", gathered),
      low: pair("jobs-low", gathered),
    };
    this.runs = pair("runs", direct);
    this.flexRuns = this.#queue(`${settings.stackName}-flex-runs`, "flex-runs", this.runs.deadLetters, {
      ...direct,
      visibilityTimeout: FLEX_VISIBILITY,
    });
    // A tenant's queue may be away for a while: tried for an hour and more before it is an operator's matter.
    this.deliveries = pair("deliveries", {
      visibilityTimeout: visibilityFor("DeliverResults"),
      maxReceiveCount: 8,
    });
    this.workloads = Object.fromEntries(
      WORKLOADS.filter((name) => settings.workloads[name]).map((name) => [
        name,
        pair(`${kebabCase(name)}-results`, { visibilityTimeout: WORKLOAD_VISIBILITY, maxReceiveCount: 5 }),
      ]),
    );
    this.knowledgeChanges = settings.workloads.reIndex
      ? pair("kb-changes", { visibilityTimeout: visibilityFor("TakeDocuments", 5), maxReceiveCount: 5 })
      : undefined;
    this.transcripts = settings.workloads.postCall
      ? pair("transcripts", { visibilityTimeout: visibilityFor("TakeTranscripts"), maxReceiveCount: 5 })
      : undefined;
    for (const tier of TIERS) allowSenders(this.jobs[tier].queue, settings.senderArns);
    if (this.transcripts) allowSenders(this.transcripts.queue, settings.senderArns);
  }

  /** Every pair by the name of its queue without the stack's. */
  get all(): Readonly<Record<string, QueuePair>> {
    return {
      ...Object.fromEntries(TIERS.map((tier) => [`jobs-${tier}`, this.jobs[tier]])),
      runs: this.runs,
      deliveries: this.deliveries,
      ...Object.fromEntries(
        Object.entries(this.workloads).map(([name, queues]) => [`${kebabCase(name)}-results`, queues]),
      ),
      ...(this.knowledgeChanges && { "kb-changes": this.knowledgeChanges }),
      ...(this.transcripts && { transcripts: this.transcripts }),
    };
  }

  #pair(queueName: string, id: string, props: QueueProps): QueuePair {
    const deadLetters = new Queue(this, `${id}-dead`, {
      queueName: `${queueName}-dead`,
      retentionPeriod: DEAD_LETTER_RETENTION,
      ...SECURED,
    });
    return { queue: this.#queue(queueName, id, deadLetters, props), deadLetters };
  }

  #queue(queueName: string, id: string, deadLetters: Queue, props: QueueProps): Queue {
    return new Queue(this, id, {
      queueName,
      retentionPeriod: RETENTION,
      visibilityTimeout: props.visibilityTimeout,
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: props.maxReceiveCount },
      ...SECURED,
    });
  }
}

function allowSenders(queue: Queue, senderArns: readonly string[]): void {
  if (senderArns.length === 0) return;
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: "Senders",
      actions: ["sqs:SendMessage", "sqs:GetQueueUrl"],
      principals: senderArns.map((arn) => new ArnPrincipal(arn)),
      resources: [queue.queueArn],
    }),
  );
}

/** `postCall` → `post-call`. */
function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

import { Lazy, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

type ObjectEventsProps = { readonly bucket: Bucket };

/** What becomes of an object: S3's names of events, without their prefix `s3:`. */
type Events = readonly ("ObjectCreated:*" | "ObjectRemoved:*")[];

/**
 * Has S3 tell queues of what is stored under some prefixes. Part of the bucket's own definition: CDK's notifications are put
 * there by a function of its own, which may change the notifications of every bucket of the account.
 */
export class ObjectEvents extends Construct {
  readonly #bucket: Bucket;
  readonly #configurations: CfnBucket.QueueConfigurationProperty[] = [];

  constructor(scope: Construct, id: string, { bucket }: ObjectEventsProps) {
    super(scope, id);
    this.#bucket = bucket;
    const definition = bucket.node.defaultChild;
    if (!(definition instanceof CfnBucket)) throw new Error("the bucket has no definition of its own");
    definition.notificationConfiguration = Lazy.any({
      produce: () =>
        this.#configurations.length === 0 ? undefined : { queueConfigurations: this.#configurations },
    });
  }

  /** Tells `queue`, which belongs to this stack, of these events under a prefix that no other queue is told of. */
  tell(queue: Queue, prefix: string, events: Events): void {
    const filter = { s3Key: { rules: [{ name: "prefix", value: prefix }] } };
    for (const event of events)
      this.#configurations.push({ event: `s3:${event}`, queue: queue.queueArn, filter });
    queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("s3.amazonaws.com")],
        actions: ["sqs:SendMessage"],
        resources: [queue.queueArn],
        // The bucket needs the policy before it is made, so that the policy cannot name the bucket.
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    this.#bucket.node.addDependency(queue.node.findChild("Policy"));
  }
}

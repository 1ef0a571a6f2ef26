/** Resources that are made here. */
export const BUILT_TYPES = {
  queue: "AWS::SQS::Queue",
  table: "AWS::DynamoDB::Table",
  globalTable: "AWS::DynamoDB::GlobalTable",
  bucket: "AWS::S3::Bucket",
  vectorBucket: "AWS::S3Vectors::VectorBucket",
  secret: "AWS::SecretsManager::Secret",
  role: "AWS::IAM::Role",
  policy: "AWS::IAM::Policy",
  function: "AWS::Lambda::Function",
  eventSourceMapping: "AWS::Lambda::EventSourceMapping",
  schedule: "AWS::Scheduler::Schedule",
  stateMachine: "AWS::StepFunctions::StateMachine",
} as const;

/** Resources without a meaning on one machine: who else may come in, what is watched, how long logs stay. */
const IGNORED_TYPES: ReadonlySet<string> = new Set([
  "AWS::CDK::Metadata",
  "AWS::CloudWatch::Alarm",
  "AWS::CloudWatch::CompositeAlarm",
  "AWS::CloudWatch::Dashboard",
  "AWS::Lambda::EventInvokeConfig",
  "AWS::Lambda::Permission",
  "AWS::Logs::LogGroup",
  "AWS::Logs::MetricFilter",
  "AWS::Logs::QueryDefinition",
  "AWS::Logs::ResourcePolicy",
  "AWS::S3::BucketPolicy",
  "AWS::SNS::Subscription",
  "AWS::SNS::Topic",
  "AWS::SNS::TopicPolicy",
  "AWS::SQS::QueuePolicy",
  "AWS::Scheduler::ScheduleGroup",
  "AWS::SecretsManager::ResourcePolicy",
  "Custom::S3AutoDeleteObjects",
]);

const BUILT: ReadonlySet<string> = new Set(Object.values(BUILT_TYPES));

/** Throws, naming them all, when a template has resources that are neither made nor ignored on purpose. */
export function checkTypes(
  resources: readonly { readonly logicalId: string; readonly type: string }[],
): void {
  const unknown = resources.filter(({ type }) => !BUILT.has(type) && !IGNORED_TYPES.has(type));
  if (unknown.length === 0) return;
  const list = unknown.map(({ logicalId, type }) => `${type} (${logicalId})`).join(", ");
  throw new Error(`the local stack does not know: ${list}`);
}

import { describe, expect, test } from "vitest";
import { DEFAULT_TIER_DUE_SECONDS } from "../../lambdas/domain/limits.ts";
import { readStageSettings } from "../../lib/stage-settings.ts";

describe("defaults", () => {
  test("stand where nothing is given", () => {
    const settings = readStageSettings(undefined);
    expect(settings).toMatchObject({
      stackName: "Offpeak",
      windowMinutes: 5,
      tierDueSeconds: DEFAULT_TIER_DUE_SECONDS,
      removalPolicy: "retain",
      providerFiles: "delete",
      batchCaps: { openai: {}, anthropic: { maxBytes: 32_000_000 } },
      minBatchJobs: 50,
      batchLeadSeconds: 7200,
      maxWindowJobs: 200_000,
      escalation: { jobsPerSecond: 10, marginSeconds: 300, flexSeconds: 720, syncSeconds: 60 },
      maxRequestBytes: 8 * 1024 * 1024,
      architecture: "arm64",
    });
    expect(settings).toEqual(readStageSettings({}));
  });

  test("stand for the fields beside those that are given", () => {
    const { retention } = readStageSettings({ retention: { resultsDays: 90 } });
    expect(retention).toMatchObject({ resultsDays: 90, segmentsDays: 35 });
  });
});

test("JSON text is read as cdk -c gives it", () => {
  expect(readStageSettings('{"stackName":"X"}').stackName).toBe("X");
  expect(() => readStageSettings("{stackName:X}")).toThrow("context offpeak is not JSON: {stackName:X}");
});

describe("an error names the setting, its value and what is allowed", () => {
  const wrong: readonly [object, string][] = [
    [{ stackName: "a_b" }, `offpeak.stackName is "a_b": must be 1 to 23 letters, digits and '-'`],
    [{ stackName: "x".repeat(24) }, "must be 1 to 23"],
    [{ windowMinutes: 0 }, "offpeak.windowMinutes is 0: must be a whole number from 1 to 60"],
    [{ windowMinutes: "5" }, 'offpeak.windowMinutes is "5": must be a whole number from 1 to 60'],
    [{ windowMinutes: 2.5 }, "offpeak.windowMinutes is 2.5: must be a whole number from 1 to 60"],
    [{ tierDueSeconds: { low: 0 } }, "offpeak.tierDueSeconds.low is 0: must be above 0 seconds"],
    [
      { retention: { segmentsDays: 14 } },
      "offpeak.retention.segmentsDays is 14: must be a whole number from 21",
    ],
    [{ retention: { resultsDays: 30 } }, "a duplicate gets the first result for 30 days"],
    [{ providerFiles: "later" }, 'offpeak.providerFiles is "later": must be delete or keep'],
    [{ escalation: { jobsPerSecond: 0 } }, "offpeak.escalation.jobsPerSecond is 0: must be above 0"],
    [{ escalation: { marginSeconds: -1 } }, "marginSeconds is -1: must not be below 0 seconds"],
    [{ removalPolicy: "keep" }, 'offpeak.removalPolicy is "keep": must be retain or destroy'],
    [
      { providers: { openai: { baseUrl: "ftp://x" } } },
      'offpeak.providers.openai.baseUrl is "ftp://x": must be an http or https URL',
    ],
    [
      { batchCaps: { openai: { maxRequests: 50_001 } } },
      "offpeak.batchCaps.openai.maxRequests is 50001: must be a whole number from 1 to 50000: openai's own limit",
    ],
    [{ batchCaps: { anthropic: { maxBytes: 256_000_001 } } }, "anthropic's own limit"],
    [
      { admission: { batchingWindowSeconds: 21 } },
      "offpeak.admission.batchingWindowSeconds is 21: must be a whole number from 0 to 20",
    ],
    [
      { admission: { batchSize: 11, batchingWindowSeconds: 0 } },
      "offpeak.admission.batchingWindowSeconds is 0: must be 1 or more when batchSize is above 10",
    ],
    [{ logRetentionDays: 31 }, "offpeak.logRetentionDays is 31: must be one of 1, 3, 5, 7, 14, 30"],
    [{ architecture: "mips" }, "must be arm64 or x86_64"],
    [
      { senderArns: ["*"] },
      'offpeak.senderArns.0 is "*": must be the ARN of an IAM role, user or account root',
    ],
    [{ extraDeliveryQueueArns: ["arn:aws:sqs:us-east-1:111122223333:*"] }, "without wildcards"],
    [{ alarmTopicArn: "alarms" }, 'offpeak.alarmTopicArn is "alarms": must be the ARN of an SNS topic'],
  ];
  test.each(wrong)("%j", (settings, message) => {
    expect(() => readStageSettings(settings)).toThrow(message);
  });

  test("all of them at once", () => {
    expect(() => readStageSettings({ windowMinutes: 0, minBatchJobs: 0 })).toThrow(
      /windowMinutes is 0: .*\n  offpeak\.minBatchJobs is 0: /,
    );
  });

  test("an unknown setting, with those there are", () => {
    expect(() => readStageSettings({ window: 5 })).toThrow(
      /offpeak\.window is not a setting: there are stackName, windowMinutes, /,
    );
    expect(() => readStageSettings({ providers: { openai: { url: "x" } } })).toThrow(
      "offpeak.providers.openai.url is not a setting: there are baseUrl",
    );
  });

  test("something that is no object", () => {
    expect(() => readStageSettings("[]")).toThrow("offpeak is []: ");
  });
});

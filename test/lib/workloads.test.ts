import { describe, expect, test } from "vitest";
import { z } from "zod";
import { EVERY_WORKLOAD, resourcesOf, templateOf } from "./stage-template.ts";

const all = templateOf(EVERY_WORKLOAD);
const none = templateOf();

const functionSchema = z.object({
  Description: z.string(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
});

function queuesOf(template: typeof all, folder: string): unknown {
  const found = Object.values(resourcesOf(template, "AWS::Lambda::Function"))
    .map((each) => functionSchema.parse(each))
    .find(({ Description }) => Description === `Offpeak ${folder}`);
  return JSON.parse(found?.Environment.Variables["WORKLOAD_QUEUES"] ?? "null");
}

describe.each(["deliver-results", "run-job"])("%s", (folder) => {
  test("sends the results of the workloads that the stage has to their queues", () => {
    expect(queuesOf(all, folder)).toEqual({
      postCall: expect.stringContaining("postcallresults"),
      leadScoring: expect.stringContaining("leadscoringresults"),
      reIndex: expect.stringContaining("reindexresults"),
    });
    expect(queuesOf(none, folder)).toEqual({});
  });
});

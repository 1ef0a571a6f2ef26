import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Condition: z.string().optional(),
});

const templateSchema = z.object({
  Resources: z.record(z.string(), resourceSchema),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
});

const metadataSchema = z.record(z.string(), z.array(z.object({ type: z.string(), data: z.unknown() })));
const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({ metadata: metadataSchema.optional(), additionalMetadataFile: z.string().optional() }),
  ),
});

const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string().optional(), packaging: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

export interface Resource {
  readonly logicalId: string;
  readonly type: string;
  /** Ids of the construct and those around it, without the stack's and without the last `Resource`. */
  readonly constructPath: readonly string[];
  /** With intrinsic functions in it. */
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly resources: readonly Resource[];
  /** With intrinsic functions in it, by output name. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The object keys of published assets → the folders or files they are made of. */
  readonly assets: ReadonlyMap<string, string>;
}

/** Reads a synthesized stack from its cloud assembly folder. Throws when a file is missing or not of this shape. */
export function readTemplate(assembly: string, stackName: string): Template {
  const template = templateSchema.parse(readJson(path.join(assembly, `${stackName}.template.json`)));
  const { files } = assetsSchema.parse(readJson(path.join(assembly, `${stackName}.assets.json`)));
  const assets = Object.values(files).flatMap(({ source, destinations }) =>
    Object.values(destinations).map(
      ({ objectKey }) => [objectKey, path.resolve(assembly, source.path ?? "")] as const,
    ),
  );
  const paths = constructPaths(assembly, stackName);
  return {
    resources: Object.entries(template.Resources).map(([logicalId, resource]) => {
      checkCondition(logicalId, resource);
      const { Type: type, Properties: properties } = resource;
      return { logicalId, type, properties, constructPath: paths.get(logicalId) ?? [logicalId] };
    }),
    outputs: Object.fromEntries(Object.entries(template.Outputs).map(([name, { Value }]) => [name, Value])),
    assets: new Map(assets),
  };
}

function checkCondition(logicalId: string, { Type, Condition }: z.infer<typeof resourceSchema>): void {
  if (Condition === undefined || Type === "AWS::CDK::Metadata") return;
  throw new Error(`${logicalId}: resources under a Condition cannot be run here`);
}

/** Logical id → construct path. The template itself tells it only when the CDK app was asked to. */
function constructPaths(assembly: string, stackName: string): Map<string, string[]> {
  const artifact = manifestSchema.parse(readJson(path.join(assembly, "manifest.json"))).artifacts[stackName];
  const file = artifact?.additionalMetadataFile;
  const metadata =
    file === undefined ? artifact?.metadata : metadataSchema.parse(readJson(path.join(assembly, file)));
  const paths = new Map<string, string[]>();
  for (const [constructPath, entries] of Object.entries(metadata ?? {})) {
    const logicalId = entries.find(({ type }) => type === "aws:cdk:logicalId")?.data;
    const ids = constructPath
      .split("/")
      .slice(2)
      .filter((id) => id !== "Resource");
    if (typeof logicalId === "string") paths.set(logicalId, ids);
  }
  return paths;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

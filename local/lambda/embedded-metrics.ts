import { z } from "zod";

/* CloudWatch's embedded metric format, as Powertools prints it. */
const embedded = z
  .object({
    _aws: z.object({
      CloudWatchMetrics: z.array(z.object({ Metrics: z.array(z.object({ Name: z.string() })) })),
    }),
    service: z.string().optional(),
  })
  .catchall(z.unknown());
const values = z.union([z.number().transform((value) => [value]), z.array(z.number())]);

/** Sums of the metrics in log lines, by `<service>/<metric>`. */
export class EmbeddedMetrics {
  readonly #sums = new Map<string, number>();

  get sums(): ReadonlyMap<string, number> {
    return this.#sums;
  }

  /** Counts the line if it is a metric line; `fallback` stands for a service that it does not name. */
  read(line: string, fallback: string): void {
    if (!line.includes('"_aws"')) return;
    const parsed = embedded.safeParse(parseJson(line));
    if (!parsed.success) return;
    const service = parsed.data.service ?? fallback;
    const names = parsed.data._aws.CloudWatchMetrics.flatMap(({ Metrics }) =>
      Metrics.map(({ Name }) => Name),
    );
    for (const name of new Set(names)) {
      const { data: numbers = [] } = values.safeParse(parsed.data[name]);
      const key = `${service}/${name}`;
      this.#sums.set(
        key,
        numbers.reduce((sum, value) => sum + value, this.#sums.get(key) ?? 0),
      );
    }
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

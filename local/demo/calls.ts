import { constants, createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";
import { z } from "zod";

/** One conversation of a calls file. */
const callSchema = z.object({
  call_id: z.string().min(1),
  vertical: z.string().min(1),
  service: z.string(),
  turns: z.array(z.object({ speaker: z.string(), text: z.string() })).min(1),
});
export type Call = z.infer<typeof callSchema>;

/** The shipped sample: conversations that this project's authors invented. */
export const SAMPLE_CALLS = new URL("sample-calls.jsonl", import.meta.url);

/** The first `limit` conversations of a JSONL file. Throws an error that names the line that is not one. */
export async function readCalls(file: string | URL, limit: number): Promise<Call[]> {
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new Error(`${String(file)} cannot be read: is the path right?`, { cause });
  });
  const calls: Call[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (calls.length >= limit) break;
    if (line.trim() === "") continue;
    calls.push(parseCall(line, file, number));
  }
  if (calls.length === 0) throw new Error(`${String(file)} holds no conversations`);
  return calls;
}

function parseCall(line: string, file: string | URL, number: number): Call {
  try {
    return callSchema.parse(JSON.parse(line));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${String(file)}, line ${number} is not a conversation: ${reason}`, { cause: error });
  }
}

/** The conversation as the model reads it. */
export function transcriptOf(call: Call): string {
  return call.turns.map(({ speaker, text }) => `${speaker}: ${text}`).join("\n");
}

import { RetryableError } from "../../domain/failures.ts";

/** The body of an answer as it arrives. Throws RetryableError when it is cut off. */
export async function* responseBytes(response: Response): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  try {
    yield* response.body;
  } catch (error) {
    throw new RetryableError("the download was cut off", { cause: error });
  }
}

type WatchedStream = {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What the source threw, if it did. */
  readonly failure: () => Error | undefined;
};

/** A stream that remembers why it broke: the SDKs report that as a lost connection to the provider. */
export function watched(source: AsyncIterable<Uint8Array>): WatchedStream {
  let failure: Error | undefined;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      failure = error instanceof Error ? error : new RetryableError("the input could not be read");
      throw error;
    }
  }
  return { chunks: chunks(), failure: () => failure };
}

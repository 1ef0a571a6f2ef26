import type { IndexFiles, NamedDocument } from "./index-files.ts";
import type { Candidate, Query } from "./search-query.ts";
import { dotProduct, normalized } from "./vector-math.ts";

/** The chunks nearest to a query in the files of these documents. Throws a RangeError for a query of other dimensions. */
export async function searchFiles(
  files: IndexFiles,
  documents: readonly NamedDocument[],
  { vector, limit, freshAt }: Query,
): Promise<Candidate[]> {
  const query = normalized(vector);
  const found = (await files.documents(documents)).flatMap(({ chunks, ...document }) =>
    chunks
      .filter(({ effectiveUntil }) => isFresh(effectiveUntil, freshAt))
      .map(({ vector: chunkVector, ...chunk }): Candidate => {
        if (chunkVector.length !== query.length)
          throw new RangeError(`the index has ${chunkVector.length} dimensions, the query ${query.length}`);
        return { document, ...chunk, score: dotProduct(chunkVector, query) };
      }),
  );
  // Equal scores in the order of the documents, so that the same index always answers the same.
  return found.toSorted((a, b) => b.score - a.score).slice(0, limit);
}

function isFresh(effectiveUntil: string | null, at: Date | undefined): boolean {
  return at === undefined || effectiveUntil === null || at.getTime() < Date.parse(effectiveUntil);
}

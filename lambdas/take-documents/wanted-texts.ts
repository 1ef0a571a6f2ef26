import { VERSION_FILES } from "../domain/re-index/document-source.ts";
import type { Plan } from "../domain/re-index/index-files.ts";
import { embeddedText } from "../domain/re-index/split-document.ts";
import type { ObjectStore } from "../ports.ts";

/** What a plan wants embedded, in its order: each text as the model is given it. */
export async function wantedTexts(plan: Plan, folder: string, objects: ObjectStore) {
  const wanted = new Set(plan.wanted);
  const bytes = (await objects.get(`${folder}${VERSION_FILES.text}`)) ?? new Uint8Array();
  const decoder = new TextDecoder();
  const found = new Map<string, string>();
  for (const { hash, headings, offset, length } of plan.chunks) {
    if (!wanted.has(hash) || found.has(hash)) continue;
    const text = decoder.decode(bytes.subarray(offset, offset + length));
    found.set(hash, embeddedText({ headings, text }));
  }
  return [...found].map(([hash, text]) => ({ hash, text }));
}

import { hashText } from "./seeded-random.ts";

const SUMMARY_SENTENCES = 3;
const SUMMARY_CHARACTERS = 480;

/**
 * A plain-text answer: one of the labels when the instructions list some, otherwise a summary in the conversation's
 * own sentences. The same input always gives the same answer.
 */
export function answerText(instructions: string, conversation: string): string {
  const labels = listedLabels(instructions || conversation);
  if (labels) return chooseLabel(labels, conversation);
  return summarize(conversation || instructions);
}

/** The sentences that say most, in their own order: those with figures and names first, then the longer ones. */
export function summarize(text: string, sentences = SUMMARY_SENTENCES): string {
  const candidates = splitSentences(text).map((sentence, position) => ({ sentence, position }));
  const best = candidates
    .map((candidate) => ({ ...candidate, weight: sentenceWeight(candidate.sentence) }))
    .sort((left, right) => right.weight - left.weight || left.position - right.position)
    .slice(0, sentences)
    .sort((left, right) => left.position - right.position);
  const summary = best.map((candidate) => candidate.sentence).join(" ");
  return summary.slice(0, SUMMARY_CHARACTERS) || "There is nothing to summarize.";
}

/** Sentences of running text or of a transcript; a speaker's name at the start of a line is dropped, and so are marks. */
export function splitSentences(text: string): string[] {
  return text
    .replaceAll(/<\/?[a-z]+>/g, "")
    .split(/\n+|(?<=[.!?])\s+/)
    .map((sentence) => sentence.replace(/^\s*[\w -]{1,20}:\s+/, "").trim())
    .filter((sentence) => /\p{L}/u.test(sentence));
}

function sentenceWeight(sentence: string): number {
  const figures = sentence.match(/\d+/g)?.length ?? 0;
  const names = sentence.match(/(?<=\s)\p{Lu}\p{L}+/gu)?.length ?? 0;
  return Math.min(sentence.length, 160) + 40 * figures + 15 * names;
}

const LABEL_LIST =
  /\b(?:one of|labels?|categories|classes|options|intents|queues)\b[^:\n]{0,60}:[ \t]*((?:[^\n.]+)|(?:\n[ \t]*[-*•][^\n]+)+)/i;

/** The labels that instructions offer, after "one of:", "labels:", "categories:" …, on one line or as a list. */
export function listedLabels(instructions: string): string[] | null {
  const list = LABEL_LIST.exec(instructions)?.[1];
  if (list === undefined) return null;
  const labels = list
    .split(/[,;|\n]|\bor\b/)
    .map((label) => label.replace(/^[\s\-*•"'`([]+|[\s"'`.)\]]+$/g, ""))
    .filter((label) => label.length > 0 && label.length <= 60);
  return labels.length >= 2 ? labels : null;
}

/** The label with most words in common with the text; a tie is decided by the text's hash. */
export function chooseLabel(labels: readonly string[], text: string): string {
  const words = wordStems(text);
  const scored = labels.map((label) => {
    const stems = [...wordStems(label)];
    const shared = stems.filter((stem) => words.has(stem)).length;
    return { label, score: shared / Math.max(1, stems.length) };
  });
  const best = Math.max(...scored.map((candidate) => candidate.score));
  const ties = scored.filter((candidate) => candidate.score === best);
  return ties[hashText(text) % ties.length]?.label ?? "";
}

/** Lower-case words cut to five letters, so that "arrived" and "arrival" meet. */
function wordStems(text: string): Set<string> {
  const words = text
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .match(/[\p{L}\d]{3,}/gu);
  return new Set((words ?? []).map((word) => word.slice(0, 5)));
}

/** The names that instructions give to the fields of a JSON answer; `summary` when they give none. */
export function namedJsonFields(instructions: string): string[] {
  const quoted = [...instructions.matchAll(/["'`](\w{2,40})["'`]/g)].map((match) => match[1] ?? "");
  const afterKeys = /\b(?:keys|fields|properties)\b\s*:?\s*([\w, ]+)/i.exec(instructions)?.[1] ?? "";
  const listed = afterKeys.split(/,|\band\b/).map((name) => name.trim());
  const names = [...quoted, ...listed].filter((name) => /^\w{2,40}$/.test(name));
  return names.length > 0 ? [...new Set(names)] : ["summary"];
}

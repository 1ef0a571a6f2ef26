import { countTokens } from "./token-count.ts";

/** How long a cached prefix lives, as a request may ask for it. */
export type CacheLifetime = "5m" | "1h" | "30m" | "12h";

/** A piece of a prompt in the order in which the provider caches it: tools, system, messages. */
export interface PromptSegment {
  readonly text: string;
  /** Set where the request marks the end of a reusable prefix. */
  readonly breakpoint: CacheLifetime | null;
}

/** A request's input, flattened: what is counted and cached, and what the answer is made from. */
export interface Prompt {
  readonly segments: readonly PromptSegment[];
  readonly instructions: string;
  readonly conversation: string;
}

export function promptText(prompt: Prompt): string {
  return prompt.segments.map((segment) => segment.text).join("");
}

/** Input tokens of a prompt: role markers and tool definitions count as the text they are written as. */
export function countPromptTokens(prompt: Prompt): number {
  return countTokens(promptText(prompt));
}

/** Collects a prompt piece by piece. */
export class PromptBuilder {
  readonly #segments: PromptSegment[] = [];
  readonly #instructions: string[] = [];
  readonly #conversation: string[] = [];

  /** Something that costs tokens and says nothing about the answer: tool definitions, schemas, images. */
  addOverhead(text: string, breakpoint: CacheLifetime | null = null): void {
    this.#segments.push({ text: `${text}\n`, breakpoint });
  }

  addText(role: string, text: string, breakpoint: CacheLifetime | null = null): void {
    this.#segments.push({ text: `${role}\n${text}\n`, breakpoint });
    if (role === "system" || role === "developer") this.#instructions.push(text);
    else if (role !== "assistant") this.#conversation.push(text);
  }

  /** Marks the end of the prompt as it stands as a reusable prefix. */
  addFinalBreakpoint(breakpoint: CacheLifetime): void {
    const last = this.#segments.pop();
    if (last) this.#segments.push({ ...last, breakpoint });
  }

  build(): Prompt {
    return {
      segments: this.#segments,
      instructions: this.#instructions.join("\n"),
      conversation: this.#conversation.join("\n"),
    };
  }
}

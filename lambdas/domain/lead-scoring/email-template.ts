import mustache from "mustache";
import { DEFAULT_TEMPLATE } from "./default-template.ts";
import type { EmailTemplate } from "./lead-scoring-policy.ts";

/** What a template may show. Names are those of the template. */
export type EmailFields = {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly lead: { readonly name: string; readonly company: string | null };
  readonly sender: { readonly name: string; readonly address: string | null };
};

const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  "subject",
  "paragraphs",
  "lead.name",
  "lead.company",
  "sender.name",
  "sender.address",
]);

type Token = ReturnType<typeof mustache.parse>[number];

/**
 * What is wrong with a tenant's template, in words for its author; nothing when it can be used. Only fields that are known
 * and escaped, and sections of them, may stand in it: an e-mail with a hole, or with a lead's own markup, is never made.
 */
export function templateProblems(template: EmailTemplate): string[] {
  return (["html", "text"] as const).flatMap((part) =>
    problemsOf(template[part]).map((problem) => `${part}: ${problem}`),
  );
}

function problemsOf(source: string): string[] {
  try {
    return [...new Set(tokenProblems(mustache.parse(source), false))];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function tokenProblems(tokens: readonly Token[], inSection: boolean): string[] {
  return tokens.flatMap(([type, name, , , inner]) => {
    switch (type) {
      case "text":
      case "!":
        return [];
      case "name":
        return nameProblems(name, inSection);
      case "#":
      case "^":
        return [...nameProblems(name, inSection), ...tokenProblems(Array.isArray(inner) ? inner : [], true)];
      case "&":
        return [`{{{${name}}}} is not escaped: write {{${name}}}`];
      case ">":
        return [`{{>${name}}}: there are no partials`];
      case "=":
        return ["the delimiters stay {{ and }}"];
    }
  });
}

function nameProblems(name: string, inSection: boolean): string[] {
  if (KNOWN_FIELDS.has(name) || (name === "." && inSection)) return [];
  return [`there is no field {{${name}}}; there are ${[...KNOWN_FIELDS].join(", ")}`];
}

/** HTML and plain text of an e-mail; the fields escaped in HTML, and as they are in plain text. */
export function renderEmail(
  template: EmailTemplate = DEFAULT_TEMPLATE,
  fields: EmailFields,
): { readonly html: string; readonly text: string } {
  return {
    html: mustache.render(template.html, fields),
    text: mustache.render(template.text, fields, undefined, { escape: String }),
  };
}

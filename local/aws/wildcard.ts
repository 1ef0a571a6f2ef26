/**
 * A matcher for IAM's wildcards: `*` stands for any characters, none included, and `?` for exactly one.
 * Everything else is literal.
 */
export function wildcard(pattern: string, options: { ignoreCase?: boolean } = {}): (text: string) => boolean {
  if (pattern === "*") return () => true;
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (character) =>
    character === "*" ? ".*" : character === "?" ? "." : `\\${character}`,
  );
  const expression = new RegExp(`^${source}$`, options.ignoreCase === true ? "is" : "s");
  return (text) => expression.test(text);
}

const ARN_PARTS = 6;

/**
 * A matcher for ARNs in policies: each of the six parts is matched by itself, so a `*` in the region never reaches
 * into the account. The last part is all the rest, colons included. A lone `*` matches any resource.
 */
export function arnWildcard(pattern: string): (arn: string) => boolean {
  if (pattern === "*") return () => true;
  const matchers = arnParts(pattern).map((part) => wildcard(part));
  return (arn) => {
    const parts = arnParts(arn);
    return (
      parts.length === matchers.length && matchers.every((matches, index) => matches(parts[index] ?? ""))
    );
  };
}

function arnParts(arn: string): string[] {
  const parts = arn.split(":");
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(":")];
}

import * as fc from "fast-check";
import { expect, it } from "vitest";
import { originalBody, storedBody } from "../../../local/aws/message-body.ts";

it("stores every body without characters above U+FFFF, and gives back what was sent", () => {
  const character = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.constantFrom("\u{E000}", "%", ";", "%1f600;", "\u{1F600}"),
  );
  fc.assert(
    fc.property(fc.array(character), (characters) => {
      const body = characters.join("");
      const stored = storedBody(body);
      expect(stored).not.toMatch(/[\u{10000}-\u{10FFFF}]/u);
      expect(originalBody(stored)).toBe(body);
    }),
  );
});

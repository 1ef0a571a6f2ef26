import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_TEMPLATE } from "../../../../lambdas/domain/lead-scoring/default-template.ts";
import { renderEmail, templateProblems } from "../../../../lambdas/domain/lead-scoring/email-template.ts";

const HOSTILE = '<script>document.title = "hacked"</script><img src="https://example.com/pixel" onerror="x">';
const fields = {
  subject: `Your visit ${HOSTILE}`,
  paragraphs: [
    "Dear Ada,",
    `Thank you for your call. ${HOSTILE} ${"Averylongwordwithoutaspace".repeat(8)}`,
    "It would be a pleasure to show you the place on Thursday at five. ".repeat(6),
    "Kind regards",
  ],
  lead: { name: HOSTILE, company: null },
  sender: { name: "Glow & Sons", address: "1 Example Street" },
};
const { html, text } = renderEmail(undefined, fields);

test("the default template uses nothing but known, escaped fields", () => {
  expect(templateProblems(DEFAULT_TEMPLATE)).toEqual([]);
});

test("a lead's markup is text in the HTML and itself in the text part", () => {
  expect(html).not.toMatch(/<script|<img|onerror="/);
  expect(html).toContain("&lt;script&gt;");
  expect(html).toContain("Glow &amp; Sons");
  expect(text).toContain(HOSTILE);
  expect(text).toContain("Glow & Sons\n1 Example Street");
});

test("the HTML names nothing that would be fetched", () => {
  expect(DEFAULT_TEMPLATE.html).not.toMatch(/https?:|url\(|src=|@import|<link/);
});

/** Debian's name first; a browser anywhere else is named by the environment. */
const CHROMIUM = [process.env["CHROMIUM_PATH"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (file) => file !== "" && existsSync(file),
);
const FOLDER = path.join(import.meta.dirname, "../../../../.offpeak/screenshots");

describe.skipIf(CHROMIUM === undefined)(
  "in Chromium (skipped where there is none: apt-get install chromium)",
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
      await mkdir(FOLDER, { recursive: true });
    });
    afterAll(() => browser.close());

    const WIDTHS = [
      ["phone", 360],
      ["desktop", 1280],
    ] as const;
    const SCHEMES = ["light", "dark"] as const;

    test.each(
      WIDTHS.flatMap(([name, width]) => SCHEMES.map((colorScheme) => [name, colorScheme, width] as const)),
    )(
      "on a %s, %s: one column that fits, legible, nothing fetched, nothing run",
      async (name, colorScheme, width) => {
        const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
        const requests: string[] = [];
        page.on("request", ({ url }) => requests.push(url()));
        await page.setContent(html);
        await writeFile(
          path.join(FOLDER, `default-${name}-${colorScheme}.png`),
          await page.screenshot({ fullPage: true }),
        );
        expect(requests).toEqual([]);
        expect(await page.title()).toBe(fields.subject);
        const seen: unknown = await page.evaluate(`(() => {
        const card = document.querySelector(".card").getBoundingClientRect();
        const body = getComputedStyle(document.querySelector(".body"));
        return {
          scrolls: document.documentElement.scrollWidth > innerWidth,
          cardWidth: card.width,
          marginLeft: card.left,
          marginRight: innerWidth - card.right,
          fontSize: body.fontSize,
          color: body.color,
          background: getComputedStyle(document.querySelector(".card")).backgroundColor,
          paragraphs: [...document.querySelectorAll("p:not(.foot)")].map((each) => each.textContent),
        };
      })()`);
        const card =
          name === "phone" ? { cardWidth: 360, marginLeft: 0, marginRight: 0 } : { cardWidth: 600 };
        const colours =
          colorScheme === "dark"
            ? { color: "rgb(232, 234, 237)", background: "rgb(31, 36, 40)" }
            : { color: "rgb(28, 32, 36)", background: "rgb(255, 255, 255)" };
        expect(seen).toMatchObject({
          scrolls: false,
          fontSize: "16px",
          ...card,
          ...colours,
          paragraphs: fields.paragraphs,
        });
        await page.close();
      },
    );
  },
);

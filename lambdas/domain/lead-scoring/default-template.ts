import type { EmailTemplate } from "./lead-scoring-policy.ts";

/**
 * The template of tenants that have none: one column that fits phones and is at most 600 pixels wide, legible in light and
 * dark, nothing fetched from anywhere. Tables and inline styles, because that is what mail programs understand; the style
 * element only refines.
 */
export const DEFAULT_TEMPLATE: EmailTemplate = {
  html: `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="supported-color-schemes" content="light dark">
    <title>{{subject}}</title>
    <style>
      :root { color-scheme: light dark; }
      @media (max-width: 620px) {
        .outer { padding: 0 !important; }
        .card { border-radius: 0 !important; border-width: 0 !important; }
        .body { padding: 24px 20px !important; }
      }
      @media (prefers-color-scheme: dark) {
        .page { background: #14171a !important; }
        .card { background: #1f2428 !important; border-color: #343b42 !important; }
        .body { color: #e8eaed !important; }
        .foot { color: #a9b1b9 !important; border-color: #343b42 !important; }
      }
    </style>
  </head>
  <body class="page" style="margin: 0; padding: 0; background: #f3f4f6;">
    <table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background: #f3f4f6;">
      <tr>
        <td class="outer" align="center" style="padding: 32px 12px;">
          <table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width: 600px; background: #ffffff; border: 1px solid #dfe3e8; border-radius: 8px;">
            <tr>
              <td class="body" style="padding: 32px 36px; color: #1c2024; font-family: -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; font-size: 16px; line-height: 1.55; word-break: break-word;">
                {{#paragraphs}}
                <p style="margin: 0 0 16px;">{{.}}</p>
                {{/paragraphs}}
                <p class="foot" style="margin: 28px 0 0; padding-top: 16px; border-top: 1px solid #dfe3e8; color: #5b6570; font-size: 13px; line-height: 1.5;">
                  {{sender.name}}{{#sender.address}}<br>{{.}}{{/sender.address}}
                </p>
              </td>
            </tr>
          </table>
        </td>
      </tr>
    </table>
  </body>
</html>
`,
  text: `{{#paragraphs}}
{{.}}

{{/paragraphs}}
--
{{sender.name}}
{{#sender.address}}
{{.}}
{{/sender.address}}
`,
};

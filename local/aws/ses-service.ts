import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import MailComposer from "nodemailer/lib/mail-composer";
import { z } from "zod";
import { ACCOUNT_ID, REGION } from "./account.ts";
import { sendAnswer } from "./answer.ts";
import { AwsError, ERROR_STYLES } from "./aws-error.ts";
import { access, type Call, parseRequest, readBody, type Service } from "./service.ts";

/** A message that was sent, as it would have gone out. */
interface SentMail {
  readonly messageId: string;
  /** RFC 5322, both parts. */
  readonly eml: Buffer;
}

/** Where sent messages go; nobody gets one by mail. */
export type MailHandler = (mail: SentMail) => Promise<void>;

const content = z.object({ Data: z.string(), Charset: z.literal("UTF-8").optional() });
// Strict: a field that is skipped would be missing in what AWS sends.
const sendSchema = z.strictObject({
  FromEmailAddress: z.string().min(1),
  Destination: z.strictObject({ ToAddresses: z.array(z.string()).min(1).max(50) }),
  Content: z.strictObject({
    Simple: z.strictObject({
      Subject: content,
      Body: z.strictObject({ Html: content, Text: content }),
    }),
  }),
});
type SendInput = z.infer<typeof sendSchema>;

/** A stand-in for SES: version 2's SendEmail with simple content, which keeps what it is given and sends nothing. */
export class SesService implements Service {
  readonly errors = ERROR_STYLES.ses;
  #handler: MailHandler = async () => undefined;

  onMail(handler: MailHandler): void {
    this.#handler = handler;
  }

  async read(request: IncomingMessage): Promise<Call> {
    const { method = "", url = "" } = request;
    if (method !== "POST" || url !== "/v2/email/outbound-emails")
      throw new AwsError(
        "UnsupportedOperation",
        `of SES only SendEmail is served here, not ${method} ${url}`,
      );
    const input = parseRequest(sendSchema, parseJson(await readBody(request)));
    return {
      operation: "ses:SendEmail",
      accesses: [access("ses:SendEmail", identityArn(input.FromEmailAddress))],
      run: async (response) => {
        const messageId = randomUUID();
        await this.#handler({ messageId, eml: await compose(input, messageId) });
        sendAnswer(response, {
          status: 200,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ MessageId: messageId }),
        });
      },
    };
  }
}

async function compose({ FromEmailAddress, Destination, Content }: SendInput, id: string): Promise<Buffer> {
  const { Subject, Body } = Content.Simple;
  const composer = new MailComposer({
    from: decodedWords(FromEmailAddress),
    to: Destination.ToAddresses,
    subject: Subject.Data,
    html: Body.Html.Data,
    text: Body.Text.Data,
    messageId: `<${id}@${REGION}.amazonses.com>`,
    // Whatever a message says, nothing of this machine goes into it.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

/** RFC 2047's words in base64 as the text that they stand for: the composer encodes names itself. */
function decodedWords(address: string): string {
  return address.replaceAll(/=\?UTF-8\?B\?([^?]*)\?=( (?==\?))?/g, (_word, base64: string) =>
    Buffer.from(base64, "base64").toString(),
  );
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new AwsError("BadRequestException", "the request body is not JSON");
  }
}

/** Of the domain, in `Name <somebody@domain>` or `somebody@domain`. */
function identityArn(from: string): string {
  const domain = /@([^>\s]+)>?$/.exec(from)?.[1] ?? "";
  return `arn:aws:ses:${REGION}:${ACCOUNT_ID}:identity/${domain}`;
}

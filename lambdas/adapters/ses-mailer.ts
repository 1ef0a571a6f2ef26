import { SendEmailCommand, type SESv2Client, SESv2ServiceException } from "@aws-sdk/client-sesv2";
import { chunks } from "../domain/chunks.ts";
import type { Email } from "../domain/lead-scoring/email.ts";
import type { SendingEnd } from "../domain/lead-scoring/draft.ts";

export type Sender = { readonly name: string; readonly email: string };

/** The way to people's mailboxes. */
export interface Mailer {
  /** Sends once. `refused` is certain; anything thrown leaves open whether the e-mail went out. */
  send(email: Email, from: Sender): Promise<SendingEnd>;
}

/** Amazon SES. `client` makes one try for each call, so that it does not send twice what was answered to nobody. */
export class SesMailer implements Mailer {
  readonly #client: SESv2Client;

  constructor(client: SESv2Client) {
    this.#client = client;
  }

  async send({ to, subject, html, text }: Email, from: Sender): Promise<SendingEnd> {
    const command = new SendEmailCommand({
      FromEmailAddress: `${encodedName(from.name)} <${from.email}>`,
      Destination: { ToAddresses: [to.email] },
      Content: {
        Simple: { Subject: utf8(subject), Body: { Html: utf8(html), Text: utf8(text) } },
      },
    });
    try {
      const { MessageId: messageId = "" } = await this.#client.send(command);
      return { kind: "sent", messageId };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { kind: "refused", problem: `${error.name}: ${error.message}` };
    }
  }
}

function utf8(text: string) {
  return { Data: text, Charset: "UTF-8" };
}

/** An answer of the 400s says that nothing was sent. */
function isRefusal(error: unknown): error is SESv2ServiceException {
  return error instanceof SESv2ServiceException && error.$fault === "client";
}

/** Characters of one encoded word: of four bytes each they stay below RFC 2047's 75 once encoded. */
const WORD_CHARACTERS = 11;

/** RFC 2047's encoded words, which SES wants names in: it takes addresses as they are. */
function encodedName(name: string): string {
  return [...chunks(Array.from(name), WORD_CHARACTERS)]
    .map((word) => `=?UTF-8?B?${Buffer.from(word.join("")).toString("base64")}?=`)
    .join(" ");
}

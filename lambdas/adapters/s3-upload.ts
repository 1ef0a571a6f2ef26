import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { PartBuffer } from "./part-buffer.ts";

/** S3 takes 10,000 parts: objects of up to 80 GiB. */
const PART_BYTES = 8 * 1024 * 1024;

/** What S3 checks every part with, and what it keeps of the whole. */
const CHECKSUM = "CRC32";

type Place = { readonly Bucket: string; readonly Key: string };

/**
 * Uploads a stream as one object, which appears whole or not at all; a single PutObject when it is short. Returns its
 * size in bytes. Holds two parts at most: one is on its way while the next one fills.
 */
export async function uploadStream(
  client: S3Client,
  place: Place,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  let upload: MultipartUpload | undefined;
  let filling = new PartBuffer(PART_BYTES);
  let spare: PartBuffer | undefined;
  let size = 0;
  try {
    for await (const chunk of chunks) {
      size += chunk.byteLength;
      for (let rest = chunk; rest.byteLength > 0; rest = filling.append(rest)) {
        if (!filling.isFull) continue;
        upload ??= await MultipartUpload.begin(client, place);
        await upload.send(filling.bytes);
        [filling, spare] = [spare ?? new PartBuffer(PART_BYTES), filling];
        filling.clear();
      }
    }
    if (upload === undefined) await client.send(new PutObjectCommand({ ...place, Body: filling.bytes }));
    else await upload.complete(filling.bytes);
    return size;
  } catch (error) {
    await upload?.abort();
    throw error;
  }
}

class MultipartUpload {
  readonly #client: S3Client;
  readonly #upload: Place & { readonly UploadId: string | undefined };
  readonly #parts: CompletedPart[] = [];
  #underWay: Promise<void> = Promise.resolve();

  private constructor(client: S3Client, place: Place, uploadId: string | undefined) {
    this.#client = client;
    this.#upload = { ...place, UploadId: uploadId };
  }

  static async begin(client: S3Client, place: Place): Promise<MultipartUpload> {
    const { UploadId: id } = await client.send(
      new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: CHECKSUM }),
    );
    return new MultipartUpload(client, place, id);
  }

  /** Sends the next part once the one before has arrived: `bytes` must not change until the next call returns. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#underWay;
    this.#underWay = this.#sendPart(bytes);
    // Whoever awaits it next hears of a failure; until then it is not unhandled.
    this.#underWay.catch(() => {});
  }

  async complete(lastBytes: Uint8Array): Promise<void> {
    await this.send(lastBytes);
    await this.#underWay;
    await this.#client.send(
      new CompleteMultipartUploadCommand({ ...this.#upload, MultipartUpload: { Parts: this.#parts } }),
    );
  }

  /** Best effort: what it leaves, the bucket's lifecycle removes, and the failure that led here must be the one seen. */
  async abort(): Promise<void> {
    await this.#underWay.catch(() => {});
    await this.#client.send(new AbortMultipartUploadCommand(this.#upload)).catch(() => {});
  }

  async #sendPart(bytes: Uint8Array): Promise<void> {
    const number = this.#parts.length + 1;
    const answer = await this.#client.send(
      new UploadPartCommand({
        ...this.#upload,
        PartNumber: number,
        Body: bytes,
        ChecksumAlgorithm: CHECKSUM,
      }),
    );
    this.#parts.push({ PartNumber: number, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32 });
  }
}

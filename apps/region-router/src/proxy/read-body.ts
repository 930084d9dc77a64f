import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { fail, ok, type Result } from '@parley/domain';

export type BodyFailure =
  | 'too_large'
  | 'too_slow'
  /** The sender hung up. */
  | 'broken';

/** Reads a whole body within a size and a time. */
export async function readBody(
  source: Readable,
  limits: { readonly bytes: number; readonly ms: number },
): Promise<Result<Buffer, BodyFailure>> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    const finish = (result: Result<Buffer, BodyFailure>) => {
      clearTimeout(timer);
      source.off('data', take).off('end', done).off('error', broken).off('close', broken);
      if (!result.ok) source.pause();
      resolve(result);
    };
    const timer = setTimeout(() => finish(fail('too_slow')), limits.ms);
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.bytes) finish(fail('too_large'));
      else chunks.push(chunk);
    };
    const done = () => finish(ok(Buffer.concat(chunks)));
    const broken = () => finish(fail('broken'));
    source.on('data', take).on('end', done).on('error', broken).on('close', broken);
    source.on('error', () => undefined); // an error after the verdict has no other listener
  });
}

/** What the sender announced; undefined for chunked bodies. */
export function announcedLength(request: IncomingMessage): number | undefined {
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** Whether a request has a body, or says so. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

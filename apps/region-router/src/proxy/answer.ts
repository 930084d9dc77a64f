import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import { errorEnvelope } from '@parley/protocol-xroom';
import { isXroomPath } from '../routing/paths';

/** A refusal by the router itself. */
export interface Refusal {
  readonly status: number;
  /** For programs, e.g. `home_region_down`. */
  readonly code: string;
  /** A sentence for people. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The rest of the request is not wanted: the connection ends with the answer. */
  readonly hangUp?: boolean;
}

/** Refuses as the path's protocol demands it: the xroom envelope below `/api`, an RFC 9457 problem elsewhere. */
export function refuse(response: ServerResponse, target: string, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { status, code, message } = refusal;
  const envelope = isXroomPath(target);
  const title = STATUS_CODES[status] ?? 'Refused';
  const body = envelope ? errorEnvelope(message) : { type: 'about:blank', title, status, detail: message, code };
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...refusal.headers,
    // Browsers join from pages of other origins; without this they could not tell a refusal from a broken line.
    ...(envelope ? {} : { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' }),
    ...(refusal.hangUp ? { connection: 'close' } : {}),
    'content-type': envelope ? 'application/json; charset=utf-8' : 'application/problem+json',
    'content-length': String(bytes.length),
    'cache-control': 'no-store',
  });
  response.end(bytes);
}

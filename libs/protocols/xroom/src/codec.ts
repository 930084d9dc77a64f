import { fail, ok, type Result } from '@parley/domain';
import type { z } from 'zod';
import { type JsonFailure, readJson } from './read-json';
import {
  type Call,
  type Collection,
  envelopeSchema,
  type Envelope,
  REQUEST_SCHEMAS,
  requestSchema,
  type XroomRequest,
} from './wire.schema';

/** Most bytes of a request body. */
export const MAX_BODY_BYTES = 65_536;
/** Deepest nesting of objects and arrays; the deepest request the manual knows has 2. */
export const MAX_DEPTH = 16;

/** Why a body is no request. `refused`: readable, but not something this API does. */
export interface WireError {
  readonly code: 'too_large' | 'unreadable' | 'refused';
  /** A sentence for the caller; never repeats what was sent. */
  readonly message: string;
}

const wireError = (code: WireError['code'], message: string) => fail({ code, message });

const JSON_REFUSALS: Record<JsonFailure, string> = {
  too_deep: `The request nests deeper than ${MAX_DEPTH} levels.`,
  // Also what a body looks like whose Content-Length counted characters instead of bytes (node wrapper).
  unreadable: 'The request body is not complete JSON in UTF-8. Is Content-Length counted in bytes?',
  duplicate_key: 'The request names a member twice.',
};

/** Parses a JSON body within the limits; never throws. The Content-Type is not asked: C# sends none. */
function parseJson(bytes: Uint8Array): Result<unknown, WireError> {
  if (bytes.length > MAX_BODY_BYTES)
    return wireError('too_large', `The request is larger than ${MAX_BODY_BYTES} bytes.`);
  const json = readJson(bytes, MAX_DEPTH);
  return json.ok ? json : wireError('unreadable', JSON_REFUSALS[json.error]);
}

/** Reads method and data without judging the data; never throws. */
export function decodeCall(bytes: Uint8Array): Result<{ method: string; data: Record<string, unknown> }, WireError> {
  const json = parseJson(bytes);
  if (!json.ok) return json;
  const request = requestSchema.safeParse(json.value);
  if (!request.success) return wireError('unreadable', 'The request must be {"method": text, "data": object}.');
  return ok({ method: request.data.method, data: request.data.data ?? {} });
}

/** Reads one request of a collection; never throws. */
export function decodeRequest(collection: Collection, bytes: Uint8Array): Result<XroomRequest, WireError> {
  const request = decodeCall(bytes);
  if (!request.ok) return request;
  const call = `${collection}/${request.value.method}`;
  if (!isCall(call)) return wireError('refused', `The collection ${collection} has no such method.`);
  const data = REQUEST_SCHEMAS[call].safeParse(request.value.data);
  if (!data.success) return wireError('refused', firstIssue(data.error));
  // The compiler cannot tie the schema's output to its key; the line above just did.
  return ok({ call, data: data.data } as XroomRequest);
}

function isCall(call: string): call is Call {
  return Object.hasOwn(REQUEST_SCHEMAS, call);
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  const field = issue?.path.join('.') || 'data';
  return `${field}: ${issue?.message ?? 'is not valid'}.`;
}

/** The answer of a call that worked. */
export function successEnvelope(data: unknown): Envelope {
  return { isError: false, errMsg: null, data: data ?? null };
}

/** The answer of a call that did not. */
export function errorEnvelope(message: string): Envelope {
  return { isError: true, errMsg: message === '' ? 'The call failed.' : message, data: null };
}

/** Reads an answer of another region; never throws. */
export function decodeEnvelope(bytes: Uint8Array): Result<Envelope, WireError> {
  try {
    const envelope = envelopeSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return envelope.success ? ok(envelope.data) : wireError('unreadable', 'The answer is not an envelope.');
  } catch {
    return wireError('unreadable', 'The answer is not JSON.');
  }
}

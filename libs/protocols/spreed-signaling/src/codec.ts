import { fail, ok, type JsonValue, type Result } from '@parley/domain';
import { normalizeBackendUrl } from './backend-url';
import type { ClientMessage, DecodeFailure, FederationTarget, HelloRequest, Recipient } from './client-message';
import { nestsDeeperThan } from './depth';
import { LIMITS, PROTOCOL_VERSIONS, type ProtocolVersion } from './features';
import { decodeInternal, decodeTransient } from './internal-request';
import { readEnvelope, readMessage, type JsonRecord, type RecipientShape } from './frame-shape';
import { rawMember } from './raw-member';
import { decodeSeq } from './seq';
import { ackSchema, byeSchema, helloSchema, internalParamsSchema, roomSchema, tokenParamsSchema } from './wire.schema';

type Decoded<Value> = Result<Value, 'shape' | DecodeFailure['code']>;

const SHAPE = fail('shape' as const);
const INVALID = fail('invalid_format' as const);
const TYPES = ['hello', 'room', 'message', 'control', 'bye', 'internal', 'transient', 'ack'] as const;

/**
 * Reads one text frame. Never throws. Frames that are no JSON or have members of the wrong kind fail without an id, as
 * the usual server answers them; those that only break a rule fail with theirs.
 */
export function decodeFrame(text: string): Result<ClientMessage, DecodeFailure> {
  const envelope = readEnvelope(parseJson(text));
  if (envelope === undefined) return failure('invalid_format', undefined, undefined);
  const id = envelope.id ?? undefined;
  const type = envelope.type ?? '';
  if (type === '') return failure('invalid_format', id, undefined);
  const decoded = decodeBody(type, envelope, text);
  if (decoded.ok) return ok({ ...decoded.value, id });
  if (decoded.error === 'shape') return failure('invalid_format', undefined, type);
  return failure(decoded.error, id, type);
}

/** Distributes over the members of the union, so that each body keeps its own shape. */
type WithoutId<Message> = Message extends unknown ? Omit<Message, 'id'> : never;
type Body = WithoutId<ClientMessage>;

function decodeBody(type: string, envelope: JsonRecord, text: string): Decoded<Body> {
  if (!isKnown(type)) return ok({ type: 'unknown' as const });
  const given = envelope[type];
  if (type === 'bye') return byeSchema.safeParse(given).success ? ok({ type }) : SHAPE;
  if (given === undefined || given === null) return INVALID;
  switch (type) {
    case 'hello':
      return decodeHello(given);
    case 'room':
      return decodeRoom(given);
    case 'message':
    case 'control':
      return decodeMessage(type, given, text);
    case 'internal': {
      const request = decodeInternal(given);
      return request.ok ? ok({ type, request: request.value }) : request;
    }
    case 'transient': {
      const request = decodeTransient(given);
      return request.ok ? ok({ type, request: request.value }) : request;
    }
    case 'ack':
      return decodeAck(given);
  }
}

function decodeHello(given: unknown): Decoded<Body> {
  const parsed = helloSchema.safeParse(given);
  if (!parsed.success) return SHAPE;
  const { version, resumeid, lastSeq, auth } = parsed.data;
  if (!isVersion(version)) return fail('invalid_hello_version');
  const features = parsed.data.features ?? [];
  if (features.length > LIMITS.maxFeatures || features.some(isTooLong)) return INVALID;
  const basis = { version, features };
  const hello = (value: HelloRequest): Decoded<Body> => ok({ type: 'hello' as const, hello: value });
  if (resumeid) {
    const lastSeen = lastSeq ? decodeSeq(lastSeq) : undefined;
    if (isTooLong(resumeid) || (lastSeq && lastSeen === undefined)) return INVALID;
    return hello({ ...basis, kind: 'resume', resumeId: resumeid, lastSeen });
  }
  if (!auth || auth.params === undefined || auth.params === null) return INVALID;
  switch (auth.type ?? '') {
    case '':
    case 'client':
      return decodeClientAuth(basis, auth.url ?? '', auth.params, hello);
    case 'federation':
      return decodeFederationAuth(basis, auth.url ?? '', auth.params, hello);
    case 'internal':
      return decodeInternalAuth(basis, auth.params, hello);
    default:
      return INVALID;
  }
}

function decodeAck(given: unknown): Decoded<Body> {
  const parsed = ackSchema.safeParse(given);
  if (!parsed.success) return SHAPE;
  const { id } = parsed.data;
  return id && !isTooLong(id) ? ok({ type: 'ack' as const, deliveryId: id }) : INVALID;
}

type HelloBasis = Pick<HelloRequest, 'version' | 'features'>;
type Finish = (value: HelloRequest) => Decoded<Body>;

function decodeClientAuth(basis: HelloBasis, url: string, params: unknown, finish: Finish): Decoded<Body> {
  if (normalizeBackendUrl(url) === undefined) return INVALID;
  // The value came out of JSON.parse, so it is JSON.
  if (basis.version === '1.0') return finish({ ...basis, kind: 'backend', url, params: params as JsonValue });
  const token = tokenParamsSchema.safeParse(params);
  return token.success && token.data.token
    ? finish({ ...basis, kind: 'token', url, token: token.data.token })
    : INVALID;
}

function decodeFederationAuth(basis: HelloBasis, url: string, params: unknown, finish: Finish): Decoded<Body> {
  if (normalizeBackendUrl(url) === undefined) return INVALID;
  const kind = 'federation' as const;
  // The value came out of JSON.parse, so it is JSON.
  if (basis.version === '1.0') return finish({ ...basis, kind, url, proof: { params: params as JsonValue } });
  const { data } = tokenParamsSchema.safeParse(params);
  return data?.token ? finish({ ...basis, kind, url, proof: { token: data.token } }) : INVALID;
}

function decodeInternalAuth(basis: HelloBasis, params: unknown, finish: Finish): Decoded<Body> {
  const given = internalParamsSchema.safeParse(params);
  if (!given.success) return INVALID;
  const { backend, random, token } = given.data;
  if (!backend || normalizeBackendUrl(backend) === undefined) return INVALID;
  return finish({ ...basis, kind: 'internal', backend, random: random ?? '', token: token ?? '' });
}

function decodeRoom(given: unknown): Decoded<Body> {
  const parsed = roomSchema.safeParse(given);
  if (!parsed.success) return SHAPE;
  const { roomid, sessionid, federation } = parsed.data;
  const target = federation ? federationTarget(federation, roomid ?? '') : undefined;
  if (federation && target === undefined) return INVALID;
  if (isTooLong(roomid ?? '') || isTooLong(sessionid ?? '')) return INVALID;
  return ok({
    type: 'room' as const,
    roomId: roomid ?? '',
    foreignSessionId: sessionid || undefined,
    federation: target,
  });
}

/** The room there has the same name unless it says otherwise. */
function federationTarget(
  given: { [Key in 'signaling' | 'url' | 'roomid' | 'token']?: string | null | undefined },
  roomId: string,
): FederationTarget | undefined {
  const { signaling, url, token } = given;
  const remote = given.roomid || roomId;
  if (!signaling || !url || !token || isTooLong(remote) || token.length > LIMITS.maxTokenLength) return undefined;
  if (isTooLong(signaling) || isTooLong(url) || !URL.canParse(signaling) || !URL.canParse(url)) return undefined;
  return { signaling, url, roomId: remote, token };
}

function decodeMessage(type: 'message' | 'control', given: unknown, text: string): Decoded<Body> {
  const message = readMessage(given);
  if (message === undefined) return SHAPE;
  const recipient = decodeRecipient(message.recipient ?? {});
  const raw = message.data === undefined ? undefined : rawMember(text, [type, 'data']);
  if (recipient === undefined || raw === undefined) return INVALID;
  return ok({ type, recipient, raw, dataType: typeOf(message.data) });
}

function decodeRecipient(given: RecipientShape): Recipient | undefined {
  switch (given.type) {
    case 'session':
      return given.sessionid && !isTooLong(given.sessionid)
        ? { type: 'session', sessionId: given.sessionid }
        : undefined;
    case 'user':
      return given.userid && !isTooLong(given.userid) ? { type: 'user', userId: given.userid } : undefined;
    case 'room':
    case 'call':
      return { type: given.type };
    default:
      return undefined;
  }
}

function typeOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('type' in data)) return undefined;
  return typeof data.type === 'string' ? data.type : undefined;
}

function isKnown(type: string): type is (typeof TYPES)[number] {
  return TYPES.some((known) => known === type);
}

function isVersion(version: string | null | undefined): version is ProtocolVersion {
  return PROTOCOL_VERSIONS.some((known) => known === version);
}

function isTooLong(value: string): boolean {
  return value.length > LIMITS.maxIdLength;
}

function failure(code: DecodeFailure['code'], id: string | undefined, type: string | undefined) {
  return fail({ code, id, type });
}

function parseJson(text: string): unknown {
  if (nestsDeeperThan(text, LIMITS.maxDepth)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

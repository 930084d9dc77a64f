import { fail, ok, type JsonObject, type JsonValue, type Result } from '@parley/domain';
import { z } from 'zod';
import { nestsDeeperThan } from './depth';
import { wireError, type WireError } from './errors';
import { LIMITS } from './features';

/** Headers of requests between a backend and the signaling server (section "Backend requests"). */
export const BACKEND_HEADERS = {
  random: 'spreed-signaling-random',
  checksum: 'spreed-signaling-checksum',
  backend: 'spreed-signaling-backend',
  features: 'x-spreed-signaling-features',
} as const;

/** How a server of this protocol names itself in `Server` and `User-Agent`. */
export function serverName(version: string): string {
  return `nextcloud-spreed-signaling/${version}`;
}

/** Body that asks a backend whether a hello 1.0 may come in (section "Backend validation" of hello). */
export function authRequestBody(params: JsonValue): string {
  return JSON.stringify({ type: 'auth', auth: { version: '1.0', params } });
}

/** By what a backend knows somebody who is no plain user of its. */
export interface Actor {
  readonly id: string;
  readonly type: string;
}

/** The actor that a backend's own token names in its `userdata`. */
export function actorOf(user: JsonObject | undefined): Actor | undefined {
  const { actorId, actorType } = user ?? {};
  return typeof actorId === 'string' && typeof actorType === 'string' ? { id: actorId, type: actorType } : undefined;
}

/** Body that tells a backend of a join or leave (section "Backend validation" of rooms). A join names no action. */
export function roomRequestBody(request: {
  roomId: string;
  userId: string;
  sessionId: string;
  action?: 'leave';
  /** Who a guest of another cluster is (brief 2.5). */
  actor?: Actor | undefined;
}): string {
  const { roomId, userId, sessionId, action, actor } = request;
  const who = { actorid: actor?.id, actortype: actor?.type };
  const room = { version: '1.0', roomid: roomId, userid: userId || undefined, sessionid: sessionId, action, ...who };
  return JSON.stringify({ type: 'room', room });
}

/**
 * Body that tells a backend which of its sessions are still there, so that it does not drop them.
 * @param roomId empty: entries of several rooms
 */
export function pingRequestBody(
  roomId: string,
  entries: readonly { readonly userId: string; readonly sessionId: string }[],
): string {
  const told = entries.map(({ userId, sessionId }) => ({ userid: userId || undefined, sessionid: sessionId }));
  return JSON.stringify({ type: 'ping', ping: { version: '1.0', roomid: roomId, entries: told } });
}

const jsonObject = z.record(z.string(), z.unknown()).nullish();

/** PHP writes an empty object as an empty list. */
const phpObject = z.union([jsonObject, z.array(z.unknown()).max(0)]);

const answerSchema = z.looseObject({
  type: z.string(),
  error: z.looseObject({ code: z.string(), message: z.string().nullish() }).nullish(),
  auth: z.looseObject({ userid: z.string().nullish(), user: phpObject }).nullish(),
  room: z
    .looseObject({
      roomid: z.string().nullish(),
      properties: phpObject,
      permissions: z.array(z.string()).nullish(),
      session: phpObject,
    })
    .nullish(),
});

const ocsSchema = z.looseObject({
  ocs: z.looseObject({
    meta: z.looseObject({ statuscode: z.number() }).nullish(),
    data: z.unknown().optional(),
  }),
});

const THROTTLED = 429;

type BackendAnswer = z.infer<typeof answerSchema>;

/** Takes the OCS wrapping off; a backend without one is understood too. Error answers come back as they are. */
function readAnswer(body: string): Result<BackendAnswer, WireError> {
  const value = parseJson(body);
  const wrapped = ocsSchema.safeParse(value);
  if (wrapped.success && wrapped.data.ocs.meta?.statuscode === THROTTLED) return fail(wireError('too_many_requests'));
  const answer = answerSchema.safeParse(wrapped.success ? wrapped.data.ocs.data : value);
  if (!answer.success) return fail(wireError('internal_error'));
  if (answer.data.type === 'error') {
    const { code, message } = answer.data.error ?? { code: 'internal_error' };
    return fail({ code: code.slice(0, 64), message: (message ?? 'The backend refused.').slice(0, 1_024) });
  }
  return ok(answer.data);
}

/** Who the backend says is connecting. */
export interface BackendUser {
  /** Empty for guests. */
  readonly userId: string;
  readonly user: JsonObject | undefined;
}

export function readAuthAnswer(body: string): Result<BackendUser, WireError> {
  const answer = readAnswer(body);
  if (!answer.ok) return answer;
  const { type, auth } = answer.value;
  if (type !== 'auth' || !auth) return fail(wireError('auth_failed'));
  return ok({ userId: auth.userid ?? '', user: asObject(auth.user) });
}

/** What the backend says of a room that may be joined. */
export interface BackendRoom {
  readonly properties: JsonObject | undefined;
  /** Undefined: this backend knows no permissions, everything is allowed (brief 3.5). */
  readonly permissions: readonly string[] | undefined;
  /** Who a guest is in this room, when the backend says so. */
  readonly sessionUserId: string | undefined;
}

export function readRoomAnswer(body: string): Result<BackendRoom, WireError> {
  const answer = readAnswer(body);
  if (!answer.ok) return answer;
  const { type, room } = answer.value;
  if (type !== 'room') return fail(wireError('room_join_failed'));
  const sessionUserId = asObject(room?.session)?.userid;
  return ok({
    properties: asObject(room?.properties),
    permissions: room?.permissions ?? undefined,
    sessionUserId: typeof sessionUserId === 'string' && sessionUserId !== '' ? sessionUserId : undefined,
  });
}

function asObject(value: unknown): JsonObject | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // It was read with JSON.parse and is an object.
  return value as JsonObject;
}

/** Whether a backend took note of something: any answer but an error one. */
export function readAcknowledgement(body: string): Result<undefined, WireError> {
  const answer = readAnswer(body);
  return answer.ok ? ok(undefined) : answer;
}

/** What an answer says of people and rooms is kept and told to every member: it may be no more than a client may say. */
function parseJson(text: string): unknown {
  if (Buffer.byteLength(text) > LIMITS.maxFrameBytes || nestsDeeperThan(text, LIMITS.maxDepth)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

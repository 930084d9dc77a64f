import { fail, ok, type JsonObject, type JsonValue, type Result } from '@parley/domain';
import type { z } from 'zod';
import type { TransientRequest } from './client-message';
import { LIMITS } from './features';
import { internalSchema, transientSchema } from './wire.schema';

/** A virtual session as the internal client names it: by an id of its own choice, in one room. */
export interface VirtualName {
  readonly chosenId: string;
  readonly roomId: string;
}

/** Somebody an internal client speaks for, e.g. a caller by phone. */
export interface VirtualGuest extends VirtualName {
  readonly userId: string;
  readonly user: JsonObject | undefined;
  readonly flags: number;
  /** Undefined: the server's default. */
  readonly inCall: number | undefined;
  /** Whom the backend knows it by; then the backend is asked like about any join. */
  readonly actor: { readonly id: string; readonly type: string } | undefined;
}

/** What a bridge tells of a call it makes. */
export type DialoutReport =
  | { readonly kind: 'status'; readonly callId: string; readonly status: string; readonly raw: JsonObject }
  | { readonly kind: 'error'; readonly error: JsonObject }
  | { readonly kind: 'other'; readonly type: string };

/** A checked request of an internal client (section "Internal clients"). */
export type InternalRequest =
  | ({ readonly kind: 'add-session' } & VirtualGuest)
  | ({
      readonly kind: 'update-session';
      /** Undefined: unchanged. */
      readonly flags: number | undefined;
      readonly inCall: number | undefined;
    } & VirtualName)
  | ({ readonly kind: 'remove-session'; readonly userId: string } & VirtualName)
  | { readonly kind: 'in-call'; readonly inCall: number }
  | { readonly kind: 'dialout'; readonly roomId: string; readonly report: DialoutReport }
  | { readonly kind: 'unknown' };

type Decoded<Value> = Result<Value, 'shape' | 'invalid_format'>;
type Given = z.infer<typeof internalSchema>;

const SHAPE = fail('shape' as const);
const INVALID = fail('invalid_format' as const);
const NANOSECONDS = 1_000_000;

/** Reads the object of an `internal` frame. Wrong kinds of members fail with `shape`, missing ones as invalid. */
export function decodeInternal(given: unknown): Decoded<InternalRequest> {
  const parsed = internalSchema.safeParse(given);
  if (!parsed.success) return SHAPE;
  switch (parsed.data.type ?? '') {
    case '':
      return INVALID;
    case 'addsession':
      return addSession(parsed.data);
    case 'updatesession':
      return updateSession(parsed.data);
    case 'removesession':
      return removeSession(parsed.data);
    case 'incall': {
      const { incall } = parsed.data;
      return incall ? ok({ kind: 'in-call' as const, inCall: incall.incall ?? 0 }) : INVALID;
    }
    case 'dialout':
      return dialout(parsed.data);
    default:
      return ok({ kind: 'unknown' as const });
  }
}

/** Reads the object of a `transient` frame. A type nobody knows, or none, is answered `ignored` (brief 9.5). */
export function decodeTransient(given: unknown): Decoded<TransientRequest> {
  const parsed = transientSchema.safeParse(given);
  if (!parsed.success) return SHAPE;
  const { type, key, value, ttl } = parsed.data;
  if (type !== 'set' && type !== 'remove') return ok({ kind: 'unknown' as const });
  if (!key || isTooLong(key)) return INVALID;
  // Setting nothing removes.
  if (type === 'remove' || value === undefined || value === null) return ok({ kind: 'remove' as const, key });
  // It came out of JSON.parse, so it is JSON.
  const stored = value as JsonValue;
  return ok({
    kind: 'set' as const,
    key,
    value: stored,
    ttlMs: ttl && ttl > 0 ? Math.ceil(ttl / NANOSECONDS) : undefined,
  });
}

function addSession({ addsession }: Given): Decoded<InternalRequest> {
  const name = virtualName(addsession);
  if (!addsession || name === undefined || isTooLong(addsession.userid ?? '')) return INVALID;
  const { userid, user, flags, incall, options } = addsession;
  const actor = options?.actorId && options.actorType ? { id: options.actorId, type: options.actorType } : undefined;
  return ok({
    kind: 'add-session' as const,
    ...name,
    userId: userid ?? '',
    // It came out of JSON.parse, so it is JSON.
    user: (user ?? undefined) as JsonObject | undefined,
    flags: flags ?? 0,
    inCall: incall ?? undefined,
    actor,
  });
}

function updateSession({ updatesession }: Given): Decoded<InternalRequest> {
  const name = virtualName(updatesession);
  if (!updatesession || name === undefined) return INVALID;
  const { flags, incall } = updatesession;
  return ok({ kind: 'update-session' as const, ...name, flags: flags ?? undefined, inCall: incall ?? undefined });
}

function removeSession({ removesession }: Given): Decoded<InternalRequest> {
  const name = virtualName(removesession);
  if (!removesession || name === undefined) return INVALID;
  return ok({ kind: 'remove-session' as const, ...name, userId: removesession.userid ?? '' });
}

function dialout({ dialout: given }: Given): Decoded<InternalRequest> {
  if (!given?.type || !given.roomid || isTooLong(given.roomid)) return INVALID;
  const request = (report: DialoutReport) => ok({ kind: 'dialout' as const, roomId: given.roomid ?? '', report });
  const { type, error, status } = given;
  if (type === 'error') return error ? request({ kind: 'error', error: plain(error) }) : INVALID;
  if (type !== 'status') return request({ kind: 'other', type });
  if (!status || isTooLong(status.callid ?? '')) return INVALID;
  const raw = plain(status);
  return request({ kind: 'status', callId: status.callid ?? '', status: status.status ?? '', raw });
}

function virtualName(given: { sessionid?: string | null; roomid?: string | null } | null | undefined) {
  if (!given?.sessionid || !given.roomid) return undefined;
  if (isTooLong(given.sessionid) || isTooLong(given.roomid)) return undefined;
  return { chosenId: given.sessionid, roomId: given.roomid };
}

/** An object that came out of JSON.parse. */
function plain(value: object): JsonObject {
  return value as JsonObject;
}

function isTooLong(value: string): boolean {
  return value.length > LIMITS.maxIdLength;
}

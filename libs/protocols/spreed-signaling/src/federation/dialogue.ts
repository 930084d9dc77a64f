import type { JsonObject } from '@parley/domain';
import { z } from 'zod';
import { nestsDeeperThan } from '../depth';
import type { WireError } from '../errors';
import { LIMITS, MESSAGE_SEQ } from '../features';
import { isObject } from './chat';

/** The feature of clusters that take guests of others in. */
export const FEDERATION = 'federation';

const strings = z.array(z.string()).catch([]);

const frameSchema = z.looseObject({
  id: z.string().optional().catch(undefined),
  type: z.string(),
  seq: z.string().optional().catch(undefined),
  welcome: z.looseObject({ features: strings }).optional().catch(undefined),
  hello: z.looseObject({ sessionid: z.string(), resumeid: z.string() }).optional().catch(undefined),
  room: z.looseObject({ roomid: z.string() }).optional().catch(undefined),
  bye: z
    .looseObject({ reason: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  error: z
    .looseObject({ code: z.string(), message: z.string().catch(''), details: z.unknown().optional() })
    .optional()
    .catch(undefined),
});

/** What a gateway that speaks for a client reads itself of what the other cluster sends. */
export type RemoteFrame = z.infer<typeof frameSchema>;

/** Deepest nesting of what is read: payloads of its clients, and what events wrap around them. */
const MAX_DEPTH = LIMITS.maxDepth + 16;

/** Undefined: no frame of this protocol, or one nested so deep that it could not be written again. */
export function readRemoteFrame(text: string): RemoteFrame | undefined {
  if (nestsDeeperThan(text, MAX_DEPTH)) return undefined;
  try {
    return frameSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A refusal by the other cluster; lengths are bounded, it is a stranger's. */
export function remoteError(frame: RemoteFrame): WireError {
  const { code = 'internal_error', message = '', details } = frame.error ?? {};
  return {
    code: code.slice(0, 64),
    message: message.slice(0, 1_024),
    ...(isObject(details) ? { details } : {}),
  };
}

/** Whether a refusal was about a room one is thrown out of: the invitation was taken back. */
export function isDisinvitation(text: string, remoteRoom: string): boolean {
  if (!text.includes('disinvite')) return false;
  const frame: unknown = JSON.parse(text);
  if (!isObject(frame) || !isObject(frame.event)) return false;
  const { target, type, disinvite } = frame.event;
  return target === 'roomlist' && type === 'disinvite' && isObject(disinvite) && disinvite.roomid === remoteRoom;
}

/** Frames of the gateway that speaks for a client. */
export const federationFrames = {
  /**
   * `message-seq` is between two gateways here, whatever the client announced.
   * @param counts the other cluster knows it
   */
  hello: (id: string, to: { url: string; token: string }, features: readonly string[], counts: boolean): string => {
    const others = features.filter((feature) => feature !== MESSAGE_SEQ);
    return JSON.stringify({
      id,
      type: 'hello',
      hello: {
        version: '2.0',
        features: counts ? [...others, MESSAGE_SEQ] : others,
        auth: { type: 'federation', url: to.url, params: { token: to.token } },
      },
    });
  },
  /** @param lastSeq of the last frame that was handled */
  resume: (id: string, resumeid: string, lastSeq: string | undefined): string =>
    JSON.stringify({ id, type: 'hello', hello: { version: '2.0', resumeid, lastSeq } }),
  join: (id: string, roomid: string, sessionid: string | undefined): string =>
    JSON.stringify({ id, type: 'room', room: { roomid, sessionid } }),
  leave: (id: string): string => JSON.stringify({ id, type: 'room', room: { roomid: '' } }),
  bye: (): string => JSON.stringify({ type: 'bye', bye: {} }),
  /** To the client: the way to the other cluster is broken. */
  interrupted: (): string =>
    JSON.stringify({ type: 'event', event: { target: 'room', type: 'federation_interrupted' } }),
  /** To the client: it is whole again, with the same session there or a new one. */
  resumed: (resumed: boolean): string =>
    JSON.stringify({ type: 'event', event: { target: 'room', type: 'federation_resumed', resumed } }),
  /** To the client: a frame of its cannot be handed on, and does not wait either. */
  notSent: (text: string): string => {
    const frame: unknown = JSON.parse(text);
    const message = 'The other server cannot be reached, and too much waits for it already.';
    const error = { code: 'federation_error', message };
    return JSON.stringify({ id: isObject(frame) ? frame.id : undefined, type: 'error', error });
  },
  /** To the client: it is in no room any more. */
  outside: (id?: string): string => JSON.stringify({ id, type: 'room', room: { roomid: '' } }),
} as const;

/** A frame as it was before it got its number, which is the other cluster's and says nothing to the client. */
export function withoutSeq(text: string, seq: string | undefined): string {
  if (seq === undefined) return text;
  const end = `,"seq":${JSON.stringify(seq)}}`;
  if (text.endsWith(end)) return `${text.slice(0, -end.length)}}`;
  const { seq: _number, ...frame } = JSON.parse(text) as JsonObject;
  return JSON.stringify(frame);
}

/** The same frame with another id, or without one. */
export function withId(text: string, id: string | undefined): string {
  const frame: unknown = JSON.parse(text);
  return isObject(frame) ? JSON.stringify({ ...frame, id }) : text;
}

/** Where another cluster's gateway is reached, by the signaling URL its backend names. Undefined: nowhere. */
export function remoteSocketUrl(signaling: string): string | undefined {
  if (!URL.canParse(signaling)) return undefined;
  const url = new URL(signaling);
  const scheme = { 'https:': 'wss:', 'http:': 'ws:', 'wss:': 'wss:', 'ws:': 'ws:' }[url.protocol];
  if (scheme === undefined || url.username !== '' || url.password !== '') return undefined;
  return `${scheme}//${url.host}${url.pathname.replace(/\/*$/, '/')}spreed`;
}

import { z } from 'zod';

/**
 * The frames a client may send. Field names of the protocol occur here, in `frame-shape.ts`, `codec.ts` and in `from-domain.ts` only.
 * Objects are loose: real clients send more than the specification lists. `null` counts as absent, as in the usual
 * server (Go decodes it so).
 */
const text = z.string().nullish();
const object = z.record(z.string(), z.unknown());

/** Section "Establish connection", "Resuming sessions"; `lastSeq` belongs to our feature `message-seq`. */
export const helloSchema = z.looseObject({
  version: text,
  features: z.array(z.string()).nullish(),
  resumeid: text,
  lastSeq: text,
  auth: z.looseObject({ type: text, url: text, params: z.unknown().optional() }).nullish(),
});

/** Section "Join room"; `federation` as newer Talk sends it. */
export const roomSchema = z.looseObject({
  roomid: text,
  sessionid: text,
  federation: z.looseObject({ signaling: text, url: text, roomid: text, token: text }).nullish(),
});

const whole = z.number().int().nullish();

/** Section "Transient data". `ttl` in nanoseconds. */
export const transientSchema = z.looseObject({ type: text, key: text, value: z.unknown().optional(), ttl: whole });

const ofVirtualSession = { sessionid: text, roomid: text };

/** Section "Internal clients"; the members of `dialout` as newer servers and the SIP bridge use them. */
export const internalSchema = z.looseObject({
  type: text,
  addsession: z
    .looseObject({
      ...ofVirtualSession,
      userid: text,
      user: object.nullish(),
      flags: whole,
      incall: whole,
      options: z.looseObject({ actorId: text, actorType: text }).nullish(),
    })
    .nullish(),
  updatesession: z.looseObject({ ...ofVirtualSession, flags: whole, incall: whole }).nullish(),
  removesession: z.looseObject({ ...ofVirtualSession, userid: text }).nullish(),
  incall: z.looseObject({ incall: whole }).nullish(),
  dialout: z
    .looseObject({
      type: text,
      roomid: text,
      error: z.looseObject({ code: text, message: text }).nullish(),
      status: z
        .looseObject({ callid: text, status: text, cause: text, code: z.number().nullish(), message: text })
        .nullish(),
    })
    .nullish(),
});

/** A robot has done what a delivery asked of it (PROTOCOL.md, "Robots"). */
export const ackSchema = z.looseObject({ id: text });

export const byeSchema = object.nullish();

/** Parameters of an internal client's hello. */
export const internalParamsSchema = z.looseObject({ random: text, token: text, backend: text });

/** Parameters of a hello 2.0. */
export const tokenParamsSchema = z.looseObject({ token: text });

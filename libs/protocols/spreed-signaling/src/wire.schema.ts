import { z } from 'zod';

/**
 * The frames a client may send. Field names of the protocol occur here, in `codec.ts` and in `from-domain.ts` only.
 * Objects are loose: real clients send more than the specification lists. `null` counts as absent, as in the usual
 * server (Go decodes it so).
 */
const text = z.string().nullish();
const object = z.record(z.string(), z.unknown());

/** Outer shape of every frame. */
export const envelopeSchema = z.looseObject({ id: text, type: text });

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

/** Sections "Sending messages between clients" and "Control messages". */
export const messageSchema = z.looseObject({
  recipient: z.looseObject({ type: text, sessionid: text, userid: text }).nullish(),
  data: z.unknown().optional(),
});

/** Sections "Internal clients" and "Transient data": decoded no further yet. */
export const typedSchema = z.looseObject({ type: text });

export const byeSchema = object.nullish();

/** Parameters of an internal client's hello. */
export const internalParamsSchema = z.looseObject({ random: text, token: text, backend: text });

/** Parameters of a hello 2.0. */
export const tokenParamsSchema = z.looseObject({ token: text });

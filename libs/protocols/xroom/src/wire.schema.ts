import { z } from 'zod';

/**
 * The xroom wire: one schema per collection and method (manual, chapter "Data exchange"). Unknown members are ignored, as
 * the wrappers are generic and pass on whatever they are handed. `null` means absent: PHP sends it for unset values.
 */
export const COLLECTIONS = ['room', 'booking', 'webhook'] as const;
export type Collection = (typeof COLLECTIONS)[number];

/** Longest texts taken from a caller, in characters. */
export const TEXT_LIMITS = { roomId: 512, name: 255, secret: 256, url: 2048, token: 2048 } as const;

const absentAsUndefined = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

const text = (longest: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(longest, `must not be longer than ${longest} characters`)
    // Half a surrogate pair or a zero character cannot be stored as text.
    .refine((value) => !/\p{Surrogate}/u.test(value) && !value.includes('\0'), 'must be well-formed text');

const roomId = text(TEXT_LIMITS.roomId);
const name = text(TEXT_LIMITS.name);
const uint = z.number().int().nonnegative();

/** "JS format": a Date as JSON writes it, or the milliseconds that `getTime()` gives. */
const time = z.union([z.string().max(64), z.number()]);

const roomTypeCode = z.union([z.literal(1), z.literal(2)], 'must be 1 (conference) or 2 (webinar)');
const booked = { domain: name, roomName: name };

export const REQUEST_SCHEMAS = {
  'room/init': z.object({
    id: roomId,
    type: absentAsUndefined(roomTypeCode),
    lock: absentAsUndefined(z.boolean()),
    key: absentAsUndefined(text(TEXT_LIMITS.secret)),
    addHostKey: absentAsUndefined(z.boolean()),
  }),
  'room/destroy': z.object({ id: roomId, forceKick: absentAsUndefined(z.boolean()) }),
  'room/kickOut': z.object({ id: roomId, peerId: name }),
  'room/setLock': z.object({ id: roomId, lock: z.boolean() }),
  // The password must be said, if only as null: leaving it out must not take a password away by accident.
  'room/setPassword': z.object({ id: roomId, password: text(TEXT_LIMITS.secret).nullable() }),
  'room/list': z.object({ domain: absentAsUndefined(name) }),
  'booking/add': z.object({ ...booked, validUntil: time }),
  'booking/remove': z.object(booked),
  'booking/update': z.object({ ...booked, validUntil: time }),
  'booking/list': z.object({ domain: name }),
  'booking/get': z.object(booked),
  'webhook/add': z.object({
    domain: name,
    type: z.enum(['url', 'robot'], "must be 'url' or 'robot'"),
    roomName: absentAsUndefined(name),
    url: absentAsUndefined(text(TEXT_LIMITS.url)),
    robotId: absentAsUndefined(uint),
  }),
  'webhook/remove': z.object({ id: uint }),
  'webhook/list': z.object({
    domain: name,
    token: absentAsUndefined(z.string().max(TEXT_LIMITS.token)),
    validated: absentAsUndefined(z.boolean()),
  }),
  'webhook/validate': z.object({ id: uint }),
} as const;

/** `collection/method`. */
export type Call = keyof typeof REQUEST_SCHEMAS;

/** One call with its checked data. */
export type XroomRequest = { [Name in Call]: { call: Name; data: z.infer<(typeof REQUEST_SCHEMAS)[Name]> } }[Call];

/** The body of every request. `data` may be absent (node), null (PHP) or an object. */
export const requestSchema = z.object({
  method: z.string().min(1).max(64),
  data: z.record(z.string(), z.unknown()).nullish(),
});

/** The body of every answer: `errMsg` is null on success and a non-empty sentence on error. */
export const envelopeSchema = z
  .discriminatedUnion('isError', [
    z.object({ isError: z.literal(false), errMsg: z.null(), data: z.unknown() }),
    z.object({ isError: z.literal(true), errMsg: z.string().min(1), data: z.null() }),
  ])
  .meta({ id: 'XroomEnvelope' });
export type Envelope = z.infer<typeof envelopeSchema>;

/** A peer in a room list; `type` as in Appendix A. */
export interface PeerData {
  readonly id: string;
  readonly type: 1 | 2 | 3 | 4;
}

/** A room in a room list. */
export interface RoomObject {
  readonly options: { readonly type: 1 | 2; readonly isLocked: boolean; readonly password: string | null };
  readonly clients: readonly PeerData[];
}

/** Domains to rooms, by room identifier. */
export type RoomList = Record<string, Record<string, RoomObject>>;

export interface BookingObject {
  readonly domain: string;
  readonly roomName: string;
  /** ISO 8601 in UTC. */
  readonly validUntil: string;
}

export interface WebhookObject {
  readonly id: number;
  readonly domain: string;
  readonly roomName?: string;
  readonly url?: string;
  readonly robotId?: number;
}

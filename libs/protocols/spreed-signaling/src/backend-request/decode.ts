import { fail, ok, type JsonValue, type Result } from '@parley/domain';
import type { z } from 'zod';
import { nestsDeeperThan } from '../depth';
import { LIMITS } from '../features';
import { callFlagsOf } from './call-flags';
import { refuse, unsupportedType, type BackendReply } from './replies';
import type { BackendRequest, Move } from './request';
import {
  deleteSchema,
  dialoutSchema,
  disinviteSchema,
  envelopeSchema,
  inCallSchema,
  inviteSchema,
  messageSchema,
  participantsSchema,
  switchToSchema,
  updateSchema,
} from './request.schema';

/** Reads the body of an authentic request (brief 1.3, steps 10 and 12). Never throws. */
export function decodeBackendRequest(body: Uint8Array): Result<BackendRequest, BackendReply> {
  const value = parse(body);
  const envelope = envelopeSchema.safeParse(value);
  if (!envelope.success) return fail(refuse('unreadable'));
  const type = envelope.data.type ?? '';
  if (!isKnown(type)) return fail(unsupportedType(type));
  const request = DECODERS[type](envelope.data[type]);
  return request === undefined ? fail(refuse('unreadable')) : ok(request);
}

type Decoder = (given: unknown) => BackendRequest | undefined;

/** The object of a type that has the wrong shape, or is not there at all, makes the body an unreadable one. */
const DECODERS = {
  invite: decoder(inviteSchema, ({ userids, alluserids, properties }) => {
    return { type: 'invite', userIds: userids, allUserIds: alluserids, properties };
  }),
  disinvite: decoder(disinviteSchema, ({ userids, sessionids, alluserids, properties }) => {
    const people = { userIds: userids, foreignSessionIds: sessionids, allUserIds: alluserids };
    return { type: 'disinvite', ...people, properties };
  }),
  update: decoder(updateSchema, ({ userids, properties }) => ({ type: 'update', userIds: userids, properties })),
  delete: decoder(deleteSchema, ({ userids }) => ({ type: 'delete', userIds: userids })),
  participants: decoder(participantsSchema, ({ changed, users }) => ({ type: 'participants', changed, users })),
  incall: decoder(inCallSchema, ({ incall, all, changed, users }) => {
    return all === true ? { type: 'incall-all', flags: callFlagsOf(incall) } : { type: 'incall', changed, users };
  }),
  message: decoder(messageSchema, ({ data }) => ({ type: 'message', data })),
  switchto: decoder(switchToSchema, ({ roomid, sessions }) => {
    return { type: 'switchto', roomId: roomid ?? '', moves: movesOf(sessions) };
  }),
  dialout: decoder(dialoutSchema, ({ number, options }) => ({ type: 'dialout', number: number ?? '', options })),
} satisfies Record<string, Decoder>;

function decoder<Shape>(schema: z.ZodType<Shape>, read: (body: Shape) => BackendRequest): Decoder {
  return (given) => {
    const parsed = schema.safeParse(given);
    return parsed.success ? read(parsed.data) : undefined;
  };
}

function isKnown(type: string): type is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, type);
}

/** A list of session ids, or an object that has details (or null) for each. */
function movesOf(sessions: JsonValue | undefined): readonly Move[] | undefined {
  if (sessions === undefined || sessions === null) return [];
  if (typeof sessions !== 'object') return undefined;
  if (Array.isArray(sessions)) {
    const ids = sessions.filter((id) => typeof id === 'string');
    if (ids.length !== sessions.length) return undefined;
    return ids.map((foreignSessionId) => ({ foreignSessionId, details: undefined }));
  }
  return Object.entries(sessions).map(([foreignSessionId, details]) => {
    return { foreignSessionId, details: details ?? undefined };
  });
}

function parse(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (nestsDeeperThan(text, LIMITS.maxDepth)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

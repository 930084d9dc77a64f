import type { JsonObject, JsonValue } from '@parley/domain';
import { z } from 'zod';

/** Anything that stands in the body; it was read with JSON.parse. */
const json = z.custom<JsonValue>((value) => value !== undefined).optional();

/** Objects are taken as they are: `z.record` would copy them and lose an own `__proto__`. */
const object = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));

/** Absent and null lists are empty ones, as the usual server reads them. */
const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const entries = z
  .array(object)
  .nullish()
  .transform((list) => list ?? []);

/** Clients read members of it without looking, so there is always an object; PHP writes an empty one as `[]`. */
const properties = json.transform((value): JsonObject => {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
});

export const envelopeSchema = z.looseObject({ type: z.string().nullish() });

export const inviteSchema = z.looseObject({ userids: texts, alluserids: texts, properties });
export const disinviteSchema = z.looseObject({ userids: texts, sessionids: texts, alluserids: texts, properties });
export const updateSchema = z.looseObject({ userids: texts, properties });
export const deleteSchema = z.looseObject({ userids: texts });
export const participantsSchema = z.looseObject({ changed: entries, users: entries });
export const inCallSchema = z.looseObject({
  incall: json,
  all: z.boolean().nullish(),
  changed: entries,
  users: entries,
});
export const messageSchema = z.looseObject({ data: json });
export const switchToSchema = z.looseObject({ roomid: z.string().nullish(), sessions: json });
export const dialoutSchema = z.looseObject({ number: z.string().nullish(), options: json });

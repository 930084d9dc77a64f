import { type JsonFailure, MAX_DEPTH, readJson } from '@parley/protocol-xroom';
import type { z } from 'zod';
import { InvalidInput } from './problems';

/** Most complaints about one body. */
const MAX_ISSUES = 10;

const EMPTY_OBJECT = new TextEncoder().encode('{}');

/**
 * Reads a JSON body with a schema of ours.
 * @throws InvalidInput saying what is wrong where; never repeats what was sent
 */
export function readJsonBody<Schema extends z.ZodType>(body: Uint8Array, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .slice(0, MAX_ISSUES)
    .map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  throw new InvalidInput('The body does not have the expected form.', issues);
}

/** As {@link readJsonBody}; no body at all is an empty object. */
export function readOptionalJsonBody<Schema extends z.ZodType>(body: Uint8Array, schema: Schema): z.infer<Schema> {
  return readJsonBody(body.length === 0 ? EMPTY_OBJECT : body, schema);
}

/** With the reader that the router finds a call's domain with: both see the same one. */
function parseJson(body: Uint8Array): unknown {
  const json = readJson(body, MAX_DEPTH);
  if (!json.ok) throw new InvalidInput(JSON_REFUSALS[json.error]);
  return json.value;
}

const JSON_REFUSALS: Record<JsonFailure, string> = {
  too_deep: `The body nests deeper than ${MAX_DEPTH} levels.`,
  unreadable: 'The body is not complete JSON in UTF-8.',
  duplicate_key: 'The body names a member twice.',
};

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

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new InvalidInput('The body is not complete JSON in UTF-8.');
  }
}

import { COLLECTIONS, type Collection, envelopeSchema, REQUEST_SCHEMAS } from '@parley/protocol-xroom';
import type { z } from 'zod';
import type { JsonSchema, SchemaBook } from './schemas';

const HEADERS = [
  ['x-api-version', true, '1 or 2'],
  ['x-auth-id', true, "The account's auth id"],
  ['x-random', true, '32 to 256 printable characters, accepted once'],
  ['x-auth-key', false, 'Hex HMAC-SHA256 of x-random; alone only for accounts with legacy keys'],
  ['x-timestamp', false, 'Unix seconds; with x-signature'],
  [
    'x-signature',
    false,
    'Hex HMAC-SHA256 over method, path, x-timestamp, x-random and the hex SHA-256 of the body, one per line',
  ],
] as const;

const OUTCOMES = {
  200: 'Done, or refused by a rule (`isError`)',
  400: 'Unreadable request, or missing or unknown version',
  401: 'Missing or wrong credentials, or an x-random that was used before',
  413: 'More than 65,536 bytes',
  421: 'The domain is at home in another region and strict about it',
  429: 'Too many calls',
  503: 'PostgreSQL or Redis does not answer',
} as const;

/** The xroom API: one path per collection, one body per method. */
export function xroomPaths(book: SchemaBook): Record<string, JsonSchema> {
  return Object.fromEntries(
    COLLECTIONS.map((collection) => [`/api/${collection}`, { post: operation(collection, book) }]),
  );
}

function operation(collection: Collection, book: SchemaBook): JsonSchema {
  const envelope = { 'application/json': { schema: book.refer(envelopeSchema, 'output') } };
  return {
    operationId: `xroom_${collection}`,
    summary: `Methods of the xroom collection ${collection}`,
    tags: ['xroom'],
    parameters: HEADERS.map(([name, required, description]) => ({
      name,
      in: 'header',
      required,
      description,
      schema: { type: 'string' },
    })),
    requestBody: { required: true, content: { 'application/json': { schema: { oneOf: bodies(collection, book) } } } },
    responses: Object.fromEntries(
      Object.entries(OUTCOMES).map(([status, description]) => [status, { description, content: envelope }]),
    ),
  };
}

function bodies(collection: Collection, book: SchemaBook): JsonSchema[] {
  const calls: [string, z.ZodType][] = Object.entries(REQUEST_SCHEMAS);
  return calls
    .filter(([call]) => call.startsWith(`${collection}/`))
    .map(([call, data]) => ({
      type: 'object',
      title: call,
      required: ['method'],
      properties: { method: { const: call.slice(collection.length + 1) }, data: book.refer(data, 'input') },
    }));
}

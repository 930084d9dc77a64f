import { PROBLEM_MEDIA_TYPE, problemSchema } from '@parley/contracts';
import { z } from 'zod';
import type { Operation } from './operation';
import { OPERATIONS } from './operations';
import { type JsonSchema, SchemaBook } from './schemas';
import { xroomPaths } from './xroom-paths';

/** The OpenAPI 3.1 document of the api, made from the schemas that check its requests. */
export function openApiDocument(): JsonSchema {
  const book = new SchemaBook();
  const paths: Record<string, JsonSchema> = { ...xroomPaths(book) };
  for (const operation of OPERATIONS) {
    const [method = '', path = ''] = operation.call.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(operation, path, book) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley api',
      version: '0.1.0',
      description:
        "Rooms, bookings and webhooks (xroom API), the REST API of accounts (`/v1`), join tickets, and the operator's REST " +
        'on its own port (`ADMIN_PORT`).',
    },
    paths,
    components: {
      schemas: book.components(),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

const TAGS = { anybody: 'join', account: 'account', operator: 'admin', robot: 'robot' } as const;

function describe(operation: Operation, path: string, book: SchemaBook): JsonSchema {
  const { id, summary, body, answer, caller, status = answer === undefined ? 204 : 200 } = operation;
  const problem = { [PROBLEM_MEDIA_TYPE]: { schema: book.refer(problemSchema, 'output') } };
  const done =
    answer === undefined
      ? { description: 'Done' }
      : { description: 'Done', content: { 'application/json': { schema: book.refer(answer, 'output') } } };
  const required = operation.bodyOptional !== true;
  return {
    operationId: id,
    summary,
    tags: [TAGS[caller]],
    parameters: parameters(operation, path),
    ...(body === undefined
      ? {}
      : { requestBody: { required, content: { 'application/json': { schema: book.refer(body, 'input') } } } }),
    responses: { [status]: done, default: { description: 'Refused', content: problem } },
    ...security(operation),
  };
}

function parameters({ query }: Operation, path: string): JsonSchema[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return [...inPath, ...(query === undefined ? [] : queryParameters(query))];
}

function queryParameters(query: z.ZodObject): JsonSchema[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input' });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = typeof property === 'object' ? property : {};
    return {
      name,
      in: 'query',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
    };
  });
}

/** The headers of a signed call; all of them are needed. */
const SIGNED = { apiVersion: [], authId: [], random: [], timestamp: [], signature: [] };

function security({ caller, proof }: Operation): JsonSchema {
  if (caller === 'anybody') return {};
  if (caller === 'operator') return { security: [{ operatorKey: [] }] };
  if (caller === 'robot') return { security: [{ connectKey: [] }] };
  return { security: proof === 'signature' ? [SIGNED] : [{ accountKey: [] }, SIGNED] };
}

const header = (name: string, description: string) => ({ type: 'apiKey', in: 'header', name, description });

const SECURITY_SCHEMES = {
  operatorKey: { type: 'http', scheme: 'bearer' },
  accountKey: { type: 'http', scheme: 'bearer', description: 'A key of the account, `pk_<region>_...`' },
  connectKey: { type: 'http', scheme: 'bearer', description: "A robot's connect key, `rk_...`" },
  apiVersion: header('x-api-version', '1 or 2'),
  authId: header('x-auth-id', "The account's auth id"),
  random: header('x-random', '32 to 256 printable characters, accepted once'),
  timestamp: header('x-timestamp', 'Unix seconds'),
  signature: header(
    'x-signature',
    'Hex HMAC-SHA256 over method, path with the query as it is sent, x-timestamp, x-random and the hex SHA-256 of the ' +
      'body (of nothing when there is none), one per line, keyed with the secret of the account',
  ),
};

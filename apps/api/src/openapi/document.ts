import { PROBLEM_MEDIA_TYPE, problemSchema } from '@parley/contracts';
import { type Operation, OPERATIONS } from './operations';
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
        "Rooms, bookings and webhooks (xroom API), join tickets, and the operator's REST on its own port (`ADMIN_PORT`).",
    },
    paths,
    components: {
      schemas: book.components(),
      securitySchemes: { operatorKey: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function describe(operation: Operation, path: string, book: SchemaBook): JsonSchema {
  const { id, summary, body, answer, admin, status = answer === undefined ? 204 : 200 } = operation;
  const problem = { [PROBLEM_MEDIA_TYPE]: { schema: book.refer(problemSchema, 'output') } };
  const done =
    answer === undefined
      ? { description: 'Done' }
      : { description: 'Done', content: { 'application/json': { schema: book.refer(answer, 'output') } } };
  return {
    operationId: id,
    summary,
    tags: [admin ? 'admin' : 'join'],
    parameters: parameters(operation, path),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: book.refer(body, 'input') } } } }),
    responses: { [status]: done, default: { description: 'Refused', content: problem } },
    ...(admin ? { security: [{ operatorKey: [] }] } : {}),
  };
}

function parameters({ query = {} }: Operation, path: string): JsonSchema[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
  return [...inPath, ...inQuery];
}

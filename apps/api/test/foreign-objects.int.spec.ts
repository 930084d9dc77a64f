import { accountKeyListSchema, createdAccountKeySchema, deliveryListSchema } from '@parley/contracts';
import { openApiDocument } from '../src/openapi/document';
import { restClient, type RestClient } from './rest';
import { RestWorld } from './rest-world';
import { DOMAIN, startTestApi, type TestApi } from './running-api';

// Every call of accounts that the OpenAPI document knows is made with somebody else's objects. A new one is in here by
// itself, or fails because nobody said what its objects are.

interface Documented {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query' }[];
  readonly requestBody?: object;
  readonly security?: readonly Record<string, unknown>[];
}

interface Call {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly needsBody: boolean;
  readonly asksDomain: boolean;
  readonly bySignatureOnly: boolean;
}

const CALLS: readonly Call[] = Object.entries(openApiDocument().paths as Record<string, Record<string, Documented>>)
  .flatMap(([path, methods]) => Object.entries(methods).map(([method, documented]) => ({ path, method, documented })))
  .filter(({ documented: { security = [] } }) =>
    security.some((proof) => 'accountKey' in proof || 'signature' in proof),
  )
  .map(({ path, method, documented: { operationId, parameters, requestBody, security = [] } }) => ({
    id: operationId,
    method: method.toUpperCase(),
    path: path.replace(/^\/v1\//, ''),
    needsBody: requestBody !== undefined,
    asksDomain: parameters.some((parameter) => parameter.in === 'query' && parameter.name === 'domain'),
    bySignatureOnly: !security.some((proof) => 'accountKey' in proof),
  }))
  // What deletes comes last, so that the owner's own calls find everything.
  .sort((one, other) => Number(one.method === 'DELETE') - Number(other.method === 'DELETE'));

/** Calls that are about the caller's account as a whole: there is nothing of anybody else's to name. */
const OWN_ONLY: ReadonlySet<string> = new Set(['listOwnKeys', 'createOwnKey']);

const SINCE = '2026-01-01T00:00:00Z';
const BODIES: Readonly<Record<string, object>> = {
  createWebhook: { domain: DOMAIN, type: 'url', url: 'http://127.0.0.1:1/idor' },
  updateWebhook: { order: 'fifo' },
  rotateWebhookSecret: { overlapHours: 1 },
  recoverDeliveries: { since: SINCE },
  replayEvents: { since: SINCE },
  rotateOwnWebhookKey: { overlapHours: 1 },
  updateOwnDomain: { peerEvents: true },
  createOwnKey: { name: 'matrix' },
  createRobot: { domain: DOMAIN, name: 'matrix' },
};

let api: TestApi;
let world: RestWorld;
let owner: RestClient;
/** What the owner has, by the collection in the path. */
let objects: Readonly<Record<string, string>>;
beforeAll(async () => {
  api = await startTestApi();
  world = new RestWorld(api);
  owner = restClient(api.url, api.demo);
  objects = await someOfEach();
});
afterAll(async () => {
  await world.close();
  await api.close();
});

async function someOfEach(): Promise<Record<string, string>> {
  const { id } = await world.webhook(owner, { url: 'http://127.0.0.1:1/hook' });
  await world.happens({ type: 'room.created', room: 'mine' });
  await world.relayAll();
  const { json } = await owner('GET', `webhooks/${id}/deliveries`);
  const key = createdAccountKeySchema.parse((await owner('POST', 'keys', { name: 'mine' })).json);
  const robot = (await owner('POST', 'robots', { domain: DOMAIN, name: 'mine' })).json as { robotId: number };
  return {
    webhooks: String(id),
    deliveries: deliveryListSchema.parse(json).deliveries[0]?.id ?? '',
    keys: key.id,
    robots: String(robot.robotId),
    domains: DOMAIN,
  };
}

function make(client: RestClient, { id, method, path, needsBody, asksDomain }: Call) {
  const [collection = ''] = path.split('/');
  const object = objects[collection];
  if (object === undefined && path.includes('{')) throw new Error(`say what ${path} is to be called with`);
  const body = BODIES[id];
  if (needsBody && body === undefined) throw new Error(`say what ${id} is to be called with`);
  const query = asksDomain ? `?domain=${DOMAIN}` : '';
  return client(method, path.replace(/\{\w+\}/, object ?? '') + query, body);
}

/** Everything the owner has, as the database holds it. */
async function holdings(): Promise<string> {
  const { prisma } = world.database;
  const domain = { domainName: DOMAIN };
  const rows = await Promise.all([
    prisma.webhook.findMany({ where: domain, orderBy: { id: 'asc' } }),
    prisma.webhookDelivery.findMany({ where: { webhook: domain }, orderBy: { id: 'asc' } }),
    prisma.webhookSecret.findMany({ where: { webhook: domain }, orderBy: { id: 'asc' } }),
    prisma.outboxEvent.findMany({ where: domain, orderBy: { id: 'asc' } }),
    prisma.robot.findMany({ where: domain, orderBy: { id: 'asc' } }),
    prisma.domain.findMany({ where: { name: DOMAIN } }),
    prisma.accountKey.findMany({ where: { account: { authId: api.demo.authId }, revokedAt: null } }),
  ]);
  return JSON.stringify(rows, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

it('knows the calls', () => {
  expect(CALLS.length).toBeGreaterThan(25);
  expect(CALLS.map(({ id }) => id)).toEqual(expect.arrayContaining(['getWebhook', 'resendDelivery', 'readEvents']));
});

describe('without credentials', () => {
  it.each(CALLS.map((call) => [call.id, call] as const))('%s is refused', async (_id, call) => {
    const nobody: RestClient = async (method, path, body) => {
      const answer = await fetch(`${api.url}/v1/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, headers: answer.headers, json: await answer.json() };
    };
    expect(await make(nobody, call)).toMatchObject({ status: 401, json: { code: 'unauthenticated' } });
  });
});

describe('somebody else', () => {
  it('finds nothing of the owner by any call, with a key or signed, and changes nothing', async () => {
    const before = await holdings();
    const signed = restClient(api.url, api.other);
    const { key } = createdAccountKeySchema.parse((await signed('POST', 'keys', { name: 'stranger' })).json);
    const outcomes: Record<string, number> = {};
    const expected: Record<string, number> = {};
    for (const call of CALLS.filter(({ id }) => !OWN_ONLY.has(id))) {
      expected[`${call.id} signed`] = 404;
      outcomes[`${call.id} signed`] = (await make(signed, call)).status;
      expected[`${call.id} by key`] = call.bySignatureOnly ? 403 : 404;
      outcomes[`${call.id} by key`] = (await make(restClient(api.url, { key }), call)).status;
    }
    expect(outcomes).toEqual(expected);
    expect(await holdings()).toBe(before);
    const { keys } = accountKeyListSchema.parse((await signed('GET', 'keys')).json);
    expect(keys.map(({ name }) => name)).toEqual(['stranger']);
  });
});

describe('the owner', () => {
  it('finds all of it by the same calls', async () => {
    const settling = world.settleHandshakes();
    try {
      for (const call of CALLS) {
        const { status, json } = await make(owner, call);
        expect([call.id, status < 300, json]).toEqual([call.id, true, json]);
      }
    } finally {
      await settling.stop();
    }
  });
});

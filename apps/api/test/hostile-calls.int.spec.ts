import { restClient, type RestClient } from './rest';
import { DOMAIN, startTestApi, type TestApi } from './running-api';

// Texts that databases, parsers and patterns stumble over, wherever a call of accounts takes one.

let api: TestApi;
let call: RestClient;
beforeAll(async () => {
  api = await startTestApi();
  call = restClient(api.url, api.demo);
});
afterAll(() => api.close());

const ODD = [
  '\0',
  'a\0b',
  '\ud800',
  '%',
  '..',
  '__proto__',
  "'; --",
  '9'.repeat(400),
  '-1',
  '1e999',
  '💥'.repeat(100),
  '\u202e',
] as const;
const inPath = (text: string): string => encodeURIComponent(Buffer.from(text).toString()).replaceAll('.', '%2e');

const GETS = [
  'webhooks/ID',
  'webhooks/ID/deliveries',
  'webhooks/ID/validations',
  'deliveries/ID',
  'robots/ID',
  'keys/ID',
];
const QUERIES = [
  'webhooks?domain=ID',
  `events?domain=${DOMAIN}&room=ID`,
  `events?domain=${DOMAIN}&cursor=ID`,
  `events?domain=${DOMAIN}&events=ID`,
  `events?domain=${DOMAIN}&wait=ID`,
  `events?domain=${DOMAIN}&limit=ID`,
  `events?domain=${DOMAIN}&domain=ID`,
  'robots?domain=ID',
  'webhooks/1/deliveries?since=ID',
  'webhooks/1/deliveries?cursor=ID',
];
const bodies = (text: string): [string, object][] => [
  ['webhooks', { domain: text, type: 'url', url: 'https://a.example/' }],
  ['webhooks', { domain: DOMAIN, type: 'url', url: text }],
  ['webhooks', { domain: DOMAIN, type: 'robot', robotId: 1, roomName: text }],
  ['webhooks', { domain: DOMAIN, type: 'robot', robotId: Number.MAX_SAFE_INTEGER }],
  ['robots', { domain: text, name: 'x' }],
  ['robots', { domain: DOMAIN, name: text }],
  ['keys', { name: text }],
  ['webhooks/1/recover', { since: text }],
  ['webhooks/1/replay', { since: '2026-01-01T00:00:00Z', cursor: text }],
  ['webhooks/1/secret/rotate', { overlapHours: text }],
];

it.each(ODD)('are answered, not stumbled over: %j', async (text) => {
  const calls: [string, string, object?][] = [
    ...[...GETS, ...QUERIES].map((path): [string, string] => ['GET', path.replace('ID', inPath(text))]),
    ...bodies(text).map(([path, body]): [string, string, object] => ['POST', path, body]),
    ['DELETE', `keys/${inPath(text)}`],
    ['DELETE', `webhooks/${inPath(text)}`],
    ['GET', `domains/${inPath(text)}`],
    ['POST', `domains/${inPath(text)}/webhook-key/rotate`],
  ];
  const troubles: string[] = [];
  for (const [method, path, body] of calls) {
    const { status } = await call(method, path, body);
    if (status >= 500) troubles.push(`${status} ${method} ${path} ${JSON.stringify(body ?? '')}`);
  }
  expect(troubles).toEqual([]);
});

import { createHmac } from 'node:crypto';
import { whyNotGenuine } from './webhook-signature.mjs';

const webhookKey = '54ed8ea9722c38499ea8dbbeca19762e';
const now = new Date('2026-11-21T12:00:00.000Z');
const body = '{"event":"roomCreated"}';
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const derived = createHmac('sha256', 'parley-webhook-body-v1').update(webhookKey).digest();

function signed(key, { at = now, id = 'dlv_1' } = {}) {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
const why = (headers, keys = { webhookKey }) => whyNotGenuine({ body, headers }, keys, now);

it('what the derived key or the own secret signed is genuine', () => {
  expect(why(signed(derived))).toBeNull();
  expect(why(signed(Buffer.alloc(32, 7)), { webhookKey, secret })).toBeNull();
  const other = signed(Buffer.alloc(32, 9))['webhook-signature'];
  const both = { ...signed(derived), 'webhook-signature': `v1a,x ${other} ${signed(derived)['webhook-signature']}` };
  expect(why(both)).toBeNull();
});

it.each([
  ['nothing', {}],
  ['the webhook key itself', signed(webhookKey)],
  ['a secret of another webhook', signed(Buffer.alloc(32, 7))],
  ['six minutes ago', signed(derived, { at: new Date(now.getTime() - 360_000) })],
  ['in six minutes', signed(derived, { at: new Date(now.getTime() + 360_000) })],
  ['for another id', { ...signed(derived), 'webhook-id': 'dlv_2' }],
  ['at another time', { ...signed(derived), 'webhook-timestamp': String(now.getTime() / 1_000 + 1) }],
  ['at no time', { ...signed(derived), 'webhook-timestamp': 'NaN' }],
  ['with garbage', { ...signed(derived), 'webhook-signature': 'v1, v1,% v1' }],
])('what was signed with %s is not', (_what, headers) => {
  expect(why(headers)).toEqual(expect.any(String));
});

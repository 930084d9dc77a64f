import { createHmac } from 'node:crypto';
import {
  createWebhookSecret,
  cryptoIds,
  rotateWebhookSecret,
  type DomainName,
  type RotatedWebhookSecret,
  type WebhookId,
} from '@parley/domain';
import { eventually, type ReceivedRequest } from '@parley/testing';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { useWorld, WEBHOOK_KEY } from './world';

const world = useWorld();
const HOUR_MS = 3_600_000;

/** Written after the README, without our own code. */
const derived = (key: string): Buffer => createHmac('sha256', 'parley-webhook-body-v1').update(key).digest();
const byKey = (key: string) => new StandardWebhook(derived(key), { format: 'raw' });
const legacy = (key: string, body: string): string => createHmac('sha256', derived(key)).update(body).digest('hex');

/** Which of the verifiers take a request for genuine. */
function takenBy(verifiers: Record<string, StandardWebhook>, { body, headers }: ReceivedRequest): string[] {
  return Object.keys(verifiers).filter((name) => {
    try {
      return verifiers[name]?.verify(body, headers) !== undefined;
    } catch {
      return false;
    }
  });
}

const ownSecret = (id: WebhookId) =>
  world().database.uow.run((stores) => createWebhookSecret(stores, cryptoIds, id, new Date()));

const rotate = (id: WebhookId, domain: DomainName, overlapHours: number): Promise<RotatedWebhookSecret> =>
  world().database.uow.run((stores) =>
    rotateWebhookSecret(stores, cryptoIds, { id, domain }, { overlapHours, now: new Date() }),
  );

/** Lets what signs only for a while have signed for long enough. */
const lapse = (webhook: WebhookId) =>
  world().database.prisma.webhookSecret.updateMany({
    where: { webhookId: webhook, signsUntil: { not: null } },
    data: { signsUntil: new Date(Date.now() - 1_000) },
  });

const secretRows = (webhook: WebhookId) =>
  world().database.prisma.webhookSecret.findMany({ where: { webhookId: webhook } });

/** A webhook with its receiver and a dispatcher; `next` makes an event and answers the request that tells of it. */
async function setUp() {
  const receiver = await world().receiver();
  const domain = await world().domain();
  const id = await world().webhook(domain, receiver.url);
  await world().dispatcher();
  const next = async (name: string): Promise<ReceivedRequest> => {
    await world().openRoom(domain, name);
    return receiver.waitFor(({ body }) => (JSON.parse(body) as { roomName?: string }).roomName === name);
  };
  return { receiver, domain, id, next };
}

describe('deliveries are signed', () => {
  test('with the key derived from the webhook key, and never with the webhook key itself', async () => {
    const { next } = await setUp();
    const request = await next('Käse 🧀 "x"');
    const itself = new StandardWebhook(Buffer.from(WEBHOOK_KEY), { format: 'raw' });
    expect(takenBy({ derived: byKey(WEBHOOK_KEY), itself }, request)).toEqual(['derived']);
    expect(request.headers['x-webhook-key']).toBe(legacy(WEBHOOK_KEY, request.body));
    expect(request.headers['webhook-id']).toMatch(/^dlv_[^.]+$/);
  });

  test('with the secret of their webhook, which stands sealed', async () => {
    const { id, next } = await setUp();
    const secret = await ownSecret(id);
    expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
    const request = await next('own');
    expect(takenBy({ own: new StandardWebhook(secret), derived: byKey(WEBHOOK_KEY) }, request)).toEqual(['own']);
    expect(request.headers['x-webhook-key']).toBe(legacy(WEBHOOK_KEY, request.body));

    const [row] = await secretRows(id);
    const place = { table: 'WebhookSecret', row: row?.id ?? '', column: 'secret' };
    expect(world().database.sealer.open(place, row?.secretSealed ?? '')).toBe(secret);
    expect(JSON.stringify(row, (_key, value: unknown) => String(value))).not.toContain(secret.slice(6, 20));
  });

  test('with the old and the new secret while a rotation lasts; what lapsed is deleted', async () => {
    const { id, domain, next } = await setUp();
    const one = await ownSecret(id);
    const { secret: two, formerSignsUntil } = await rotate(id, domain, 24);
    expect((formerSignsUntil?.getTime() ?? 0) - Date.now()).toBeGreaterThan(24 * HOUR_MS - 60_000);
    const { secret: three } = await rotate(id, domain, 168);
    const verifiers = Object.fromEntries(
      Object.entries({ one, two, three }).map(([name, secret]) => [name, new StandardWebhook(secret)]),
    );
    expect(takenBy(verifiers, await next('overlap'))).toEqual(['one', 'two', 'three']);
    expect((await secretRows(id)).map(({ signsUntil }) => signsUntil).filter((until) => until === null)).toHaveLength(
      1,
    );
    await lapse(id);
    expect(takenBy(verifiers, await next('lapsed'))).toEqual(['three']);
    await eventually(async () => (await secretRows(id)).length === 1, 'the sweep to delete the lapsed secrets');

    await rotate(id, domain, 0);
    expect(takenBy(verifiers, await next('at-once'))).toEqual([]);
  });

  test('a first secret is beside what was derived before, as long as the overlap lasts', async () => {
    const { id, domain, next } = await setUp();
    const { secret } = await rotate(id, domain, 1);
    const verifiers = { own: new StandardWebhook(secret), derived: byKey(WEBHOOK_KEY) };
    expect(takenBy(verifiers, await next('overlap'))).toEqual(['own', 'derived']);
    await lapse(id);
    expect(takenBy(verifiers, await next('lapsed'))).toEqual(['own']);
  });

  test('with both webhook keys while one takes over', async () => {
    const { domain, next } = await setUp();
    const until = new Date(Date.now() + HOUR_MS);
    await world().database.uow.run(({ tenancy }) => tenancy.replaceWebhookKey(domain, 'the new key', until));
    const verifiers = { old: byKey(WEBHOOK_KEY), new: byKey('the new key') };
    const request = await next('overlap');
    expect(takenBy(verifiers, request)).toEqual(['old', 'new']);
    expect(request.headers['x-webhook-key']).toBe(
      [legacy('the new key', request.body), legacy(WEBHOOK_KEY, request.body)].join(','),
    );
    const lapsed = { previousWebhookKeyUntil: new Date(Date.now() - 1_000) };
    await world().database.prisma.domain.update({ where: { name: domain }, data: lapsed });
    expect(takenBy(verifiers, await next('lapsed'))).toEqual(['new']);
  });

  test('by ten secrets at most, and none for longer than a week', async () => {
    const domain = await world().domain();
    const id = await world().webhook(domain, 'http://127.0.0.1:1/');
    await ownSecret(id);
    for (let count = 0; count < 9; count += 1) await rotate(id, domain, 1);
    await expect(rotate(id, domain, 1)).rejects.toMatchObject({ code: 'not_allowed' });
    await expect(rotate(id, domain, 169)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(rotate(id, domain, -1)).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await secretRows(id)).toHaveLength(10);
    await rotate(id, domain, 0);
  });
});

import { createHmac, randomBytes } from 'node:crypto';
import type { DomainName, WebhookId } from '@parley/domain';
import { eventually, type ReceivedRequest, type Receiver } from '@parley/testing';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { useWorld, WEBHOOK_KEY } from './world';

const world = useWorld();

const HOUR_MS = 3_600_000;
/** A cycle is one handshake. */
const atOnce = { validationRetriesMs: [] };

type Body = Record<string, unknown> & { event: string; signThis?: string; roomName?: string };
const bodyOf = (request: ReceivedRequest) => JSON.parse(request.body) as Body;
const isHandshake = (request: ReceivedRequest): boolean => bodyOf(request).event === 'validation';

/** A receiver that knows `key` and says ok to all else: written after the manual, without our own code. */
function knowing(receiver: Receiver, key = WEBHOOK_KEY): void {
  receiver.answer((request) => {
    const { event, signThis = '' } = bodyOf(request);
    return event === 'validation' ? { body: createHmac('sha256', key).update(signThis).digest('hex') } : {};
  });
}

/** A receiver that fails handshakes only. */
function forgetful(receiver: Receiver): void {
  receiver.answer((request) => ({ status: isHandshake(request) ? 500 : 200 }));
}

type Row = Awaited<ReturnType<ReturnType<typeof world>['webhookRow']>>;

async function waitForRow(id: WebhookId, expected: Partial<Row>): Promise<Row> {
  const shown = async () => JSON.stringify(await world().webhookRow(id), (_key, value: unknown) => String(value));
  await eventually(
    async () => {
      expect(await world().webhookRow(id)).toMatchObject(expected);
      return true;
    },
    async () => `${JSON.stringify(expected)}; there is ${await shown()}`,
  );
  return world().webhookRow(id);
}

/** Moves time: what would be due in some hours is due now. */
async function letBecomeDue(id: WebhookId): Promise<void> {
  await world().database.prisma.webhook.update({ where: { id }, data: { nextValidationAt: new Date() } });
}

const history = (id: WebhookId) =>
  world().database.prisma.webhookValidation.findMany({ where: { webhookId: id }, orderBy: { startedAt: 'asc' } });

/** As the REST API changes a URL. */
async function changeUrl(id: WebhookId, url: string): Promise<void> {
  const data = { url, validated: false, validationCause: 'url_changed', validationAttempts: 0 };
  await world().database.prisma.webhook.update({ where: { id }, data: { ...data, nextValidationAt: new Date() } });
}

const alertsOf = async (domain: DomainName) => {
  const where = { domainName: domain, type: 'webhook.alert' };
  const events = await world().database.prisma.outboxEvent.findMany({ where, orderBy: { seq: 'asc' } });
  return events.map(({ payload }) => payload);
};

describe('a webhook proves its ownership', () => {
  test('before it is told anything, and every 72 h; its history is kept; each request is signed', async () => {
    const receiver = await world().receiver();
    knowing(receiver);
    const id = await world().webhook(await world().domain(), receiver.url, { validated: false });
    await world().dispatcher();
    const first = await waitForRow(id, { validated: true, validationCause: 'periodic', lastValidationError: null });
    const next = (first.nextValidationAt?.getTime() ?? 0) - (first.lastValidationAt?.getTime() ?? 0);
    expect(next).toBe(72 * HOUR_MS);
    expect(first.provenAt).toEqual(first.lastValidationAt);
    await letBecomeDue(id);
    await receiver.waitFor(2);
    await eventually(async () => (await history(id)).length === 2, 'two handshakes in the history');

    const made = await history(id);
    expect(made).toMatchObject([
      { cause: 'added', passed: true, status: 200, error: null },
      { cause: 'periodic', passed: true, status: 200, error: null },
    ]);
    expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual(made.map((each) => each.id));
    const derived = createHmac('sha256', 'parley-webhook-body-v1').update(WEBHOOK_KEY).digest();
    for (const { body, headers } of receiver.requests) {
      expect(new StandardWebhook(derived, { format: 'raw' }).verify(body, headers)).toEqual(JSON.parse(body));
    }
    expect(await alertsOf(brandOf(first))).toEqual([]);
  });

  test('one failed re-validation warns, three in a row suspend, deliveries wait and go when it proves itself', async () => {
    const [receiver, neighbour] = [await world().receiver(), await world().receiver()];
    forgetful(receiver);
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    const listening = await world().webhook(domain, neighbour.url);
    const events = ['webhook.alert'];
    await world().database.prisma.webhook.update({ where: { id: listening }, data: { events } });
    await world().database.prisma.webhook.update({ where: { id }, data: { events: ['room.created', ...events] } });
    await world().dispatcher({}, atOnce);
    await letBecomeDue(id);
    const warned = await waitForRow(id, { failedValidations: 1, validated: true, suspendedAt: null });
    expect((warned.nextValidationAt?.getTime() ?? 0) - (warned.lastValidationAt?.getTime() ?? 0)).toBe(24 * HOUR_MS);
    await world().openRoom(domain, 'while-warned');
    await world().waitForDeliveries(id, 'delivered', 1);

    await letBecomeDue(id);
    await waitForRow(id, { failedValidations: 2, suspendedAt: null });
    await letBecomeDue(id);
    expect((await waitForRow(id, { failedValidations: 3 })).suspendedAt).not.toBeNull();
    await world().openRoom(domain, 'while-suspended');
    await world().waitForDeliveries(id, 'pending', 1);
    await neighbour.waitFor(2);

    knowing(receiver);
    await letBecomeDue(id);
    await waitForRow(id, { failedValidations: 0, suspendedAt: null, validated: true });
    await world().waitForDeliveries(id, 'delivered', 2);
    await neighbour.waitFor(3);
    const alerts = ['warning', 'suspended', 'recovered'].map((reason) => ({ webhookId: id, reason }));
    expect(await alertsOf(domain)).toEqual(alerts);
    expect(neighbour.requests.map((each) => bodyOf(each)).map(({ event, alert }) => [event, alert])).toEqual(
      alerts.map((alert) => ['webhookAlert', alert]),
    );
    const told = receiver.requests.filter((request) => !isHandshake(request)).map((request) => bodyOf(request));
    expect(told.map(({ roomName }) => roomName)).toEqual(['while-warned', 'while-suspended']);
    expect((await history(id)).map(({ passed }) => passed)).toEqual([false, false, false, true]);
  });

  test('and asking for handshakes over and over puts no warning off', async () => {
    const receiver = await world().receiver();
    forgetful(receiver);
    const id = await world().webhook(await world().domain(), receiver.url);
    await world().dispatcher({}, { validationRetriesMs: [60_000, 60_000] });
    for (const tries of [1, 2, 3]) {
      await world().database.stores.webhooks.requestValidation(id, new Date());
      await receiver.waitFor(tries);
      await eventually(async () => (await history(id)).length === tries, `${tries} handshakes in the history`);
    }
    await waitForRow(id, { failedValidations: 1, validationAttempts: 0 });
  });

  test('again when its URL changes: what happens meanwhile waits, and goes to the new one', async () => {
    const [before, after] = [await world().receiver(), await world().receiver()];
    knowing(before);
    forgetful(after);
    const domain = await world().domain();
    const id = await world().webhook(domain, before.url);
    await world().dispatcher({}, { validationRetriesMs: Array<number>(1_000).fill(50) });
    await changeUrl(id, after.url);
    await world().openRoom(domain, 'moved');
    await world().waitForDeliveries(id, 'pending', 1);
    await after.waitFor(2);
    expect(after.requests.every(isHandshake)).toBe(true);
    knowing(after);
    await world().waitForDeliveries(id, 'delivered', 1);
    expect(before.requests).toHaveLength(0);
    expect((await history(id)).at(-1)).toMatchObject({ cause: 'url_changed', passed: true });
  });

  test('and a proof that the old URL gives while it changes is none for the new one', async () => {
    const [before, after] = [await world().receiver(), await world().receiver()];
    after.answer({ status: 500 });
    const id = await world().webhook(await world().domain(), before.url, { validated: false });
    before.answer(async (request) => {
      await changeUrl(id, after.url);
      return {
        body: createHmac('sha256', WEBHOOK_KEY)
          .update(String(bodyOf(request).signThis))
          .digest('hex'),
      };
    });
    await world().dispatcher({}, atOnce);
    await eventually(async () => (await history(id)).length === 1, 'the first handshake in the history');
    // The claim of the first handshake lapses.
    await world().database.prisma.webhook.update({ where: { id }, data: { validationLockedUntil: new Date() } });
    await after.waitFor(1);
    await waitForRow(id, { validated: false, provenAt: null, lastValidationError: 'The receiver answered 500.' });
    expect((await history(id)).map(({ passed, cause }) => [passed, cause])).toEqual([
      [true, 'added'],
      [false, 'url_changed'],
    ]);
  });

  test('with either webhook key while a rotation lasts', async () => {
    const receiver = await world().receiver();
    knowing(receiver, WEBHOOK_KEY);
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url, { validated: false });
    const until = new Date(Date.now() + HOUR_MS);
    const newKey = randomBytes(32).toString('hex');
    await world().database.uow.run(({ tenancy }) => tenancy.replaceWebhookKey(domain, newKey, until));
    await world().dispatcher({}, atOnce);
    await waitForRow(id, { validated: true });
    knowing(receiver, newKey);
    await letBecomeDue(id);
    await eventually(async () => (await history(id)).length === 2, 'the second handshake');
    expect((await history(id)).map(({ passed }) => passed)).toEqual([true, true]);

    const lapsed = { previousWebhookKeyUntil: new Date(Date.now() - 1_000) };
    await world().database.prisma.domain.update({ where: { name: domain }, data: lapsed });
    knowing(receiver, WEBHOOK_KEY);
    await letBecomeDue(id);
    await waitForRow(id, { failedValidations: 1 });
    const forgotten = { previousWebhookKeySealed: null, previousWebhookKeyUntil: null };
    await eventually(async () => {
      expect(await world().database.prisma.domain.findUnique({ where: { name: domain } })).toMatchObject(forgotten);
      return true;
    }, 'the sweep to forget the lapsed key');
  });

  test('and after a 410 only when somebody asks for it; then it is told things again', async () => {
    const receiver = await world().receiver();
    knowing(receiver);
    const domain = await world().domain();
    const [gone, other] = [await world().webhook(domain, receiver.url), await world().webhook(domain, receiver.url)];
    const disabled = { disabledAt: new Date(), disabledReason: 'The receiver answered 410 Gone.', breakerTrips: 9 };
    await world().database.prisma.webhook.update({ where: { id: gone }, data: disabled });
    await world().dispatcher({}, atOnce);
    await letBecomeDue(gone);
    await letBecomeDue(other);
    await eventually(async () => (await history(other)).length === 1, 'the handshake of the other webhook');
    expect(await history(gone)).toEqual([]);

    const asked = async () => {
      await world().database.stores.webhooks.requestValidation(gone, new Date());
      const { webhooks } = world().database.stores;
      await eventually(async () => (await webhooks.handshakeOutcome(gone)) !== null, 'an answer');
      return webhooks.handshakeOutcome(gone);
    };
    forgetful(receiver);
    expect(await asked()).toEqual({ validated: false });
    knowing(receiver);
    expect(await asked()).toEqual({ validated: true });
    await waitForRow(gone, { disabledAt: null, disabledReason: null, breakerTrips: 0, validated: true });
    expect(await history(gone)).toMatchObject([
      { cause: 'requested', passed: false },
      { cause: 'requested', passed: true },
    ]);
    await world().openRoom(domain, 'again');
    await world().waitForDeliveries(gone, 'delivered', 1);
  });
});

function brandOf({ domainName }: Row): DomainName {
  return domainName as DomainName;
}

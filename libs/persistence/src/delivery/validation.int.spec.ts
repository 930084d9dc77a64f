import { REGION, useDeliveryWorld, WEBHOOK } from '../../test/delivery-world';
import { ValidationStore } from './validation.store';

const world = useDeliveryWorld();
const gaveUp = { kind: 'gave-up', error: 'no' } as const;
const LOCK_MS = 60_000;

/** A webhook whose handshake is due, and what is done with it. */
async function due(proven: boolean) {
  const { prisma, database } = world();
  const store = new ValidationStore(prisma, REGION.id);
  const since = {
    validated: proven,
    provenAt: proven ? new Date(0) : null,
    nextValidationAt: new Date(Date.now() - 9_000),
  };
  await prisma.webhook.update({ where: { id: WEBHOOK }, data: { ...since, handshakeAwaited: true } });
  let made = 0;
  let asked = 0;
  return {
    claim: async () => {
      const claim = await store.claim(WEBHOOK, LOCK_MS);
      if (claim === null) throw new Error(`not due: ${JSON.stringify(await shown())}`);
      return claim;
    },
    settle: (...[claim, verdict]: [Parameters<typeof store.settle>[0], Parameters<typeof store.settle>[2]]) => {
      made += 1;
      return store.settle(claim, { id: `val_${made}`, startedAt: new Date(), durationMs: 1, status: 500 }, verdict);
    },
    ask: () => database.stores.webhooks.requestValidation(WEBHOOK, new Date(Date.now() - 5_000 + (asked += 1))),
    outcome: () => database.stores.webhooks.handshakeOutcome(WEBHOOK),
  };
}

async function shown() {
  const { nextValidationAt, handshakeAwaited, validationAttempts, validationCause } = await world().row();
  return { due: nextValidationAt !== null, handshakeAwaited, validationAttempts, validationCause };
}

test('a handshake that was asked for while one was under way that gives up is done, from the first try on', async () => {
  const { claim, settle, ask, outcome } = await due(false);
  const first = await claim();
  await ask();
  expect(await settle(first, gaveUp)).toEqual({ settled: true, alert: null, askedAgain: true });
  expect(await outcome()).toBeNull();
  const asked = await claim();
  expect(asked).toMatchObject({ failures: 0, cause: 'requested' });
  expect(await settle(asked, { kind: 'passed' })).toEqual({ settled: true, alert: null, askedAgain: false });
  expect(await outcome()).toEqual({ validated: true });
});

test('one that nobody asked for meanwhile is the answer, and the last of its cycle', async () => {
  const { claim, settle, outcome } = await due(false);
  expect(await settle(await claim(), gaveUp)).toEqual({ settled: true, alert: null, askedAgain: false });
  expect(await outcome()).toEqual({ validated: false });
  expect(await shown()).toMatchObject({ due: false, handshakeAwaited: false });
});

test('asking while handshakes are under way puts off no warning and no suspension', async () => {
  const { claim, settle, ask } = await due(true);
  const told: unknown[] = [];
  for (let cycle = 0; cycle < 3; cycle += 1) {
    const claimed = await claim();
    await ask();
    told.push((await settle(claimed, gaveUp)).alert);
  }
  expect(told).toEqual(['warning', null, 'suspended']);
  expect(await shown()).toEqual({
    due: true,
    handshakeAwaited: true,
    validationAttempts: 0,
    validationCause: 'requested',
  });
});

import { brandAs, type WebhookId } from '@parley/domain';
import type { RelayRound } from '@parley/persistence';
import { OutboxRelay } from './outbox-relay';

const nothing: RelayRound = { events: 0, webhooks: [], robots: false, more: false };

function relayOf(round: RelayRound) {
  const calls: string[] = [];
  const relay = new OutboxRelay(
    { relay: async () => round },
    { hungry: async () => [brandAs<WebhookId>(3073)] },
    { feed: (webhooks) => void calls.push(`feed ${webhooks.join()}`) },
    { relayed: (events) => void calls.push(`relayed ${events}`) },
    () => void calls.push('robots'),
  );
  return { relay, calls };
}

it('feeds the webhooks and calls the robots that have something new, and says when there is more', async () => {
  const webhooks = [1025, 2049].map((id) => brandAs<WebhookId>(id));
  const { relay, calls } = relayOf({ events: 3, webhooks, robots: true, more: true });
  expect(await relay.relayOnce()).toBe(true);
  expect(calls).toEqual(['relayed 3', 'robots', 'feed 1025,2049']);
});

it('calls no robots and counts nothing when there was nothing', async () => {
  const { relay, calls } = relayOf(nothing);
  expect(await relay.relayOnce()).toBe(false);
  expect(calls).toEqual(['feed ']);
});

it('feeds what waits when somebody rang and there was no event, but not at every ring', async () => {
  // The time stands still.
  jest.useFakeTimers();
  const { relay, calls } = relayOf(nothing);
  for (let rings = 0; rings < 3; rings += 1) {
    relay.ring();
    await relay.relayOnce();
  }
  await relay.relayOnce();
  expect(calls.filter((call) => call !== 'feed ')).toEqual(['feed 3073']);
  jest.useRealTimers();
});

import { eventually } from '@parley/testing';
import { Operator, tell } from './cloud';
import { FakeNextcloud } from './fake-nextcloud';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser } = house;
let operator: Operator;
let moved: FakeNextcloud;
beforeAll(async () => {
  await house.start();
  operator = new Operator(house.region);
});
afterEach(() => house.sendEverybodyHome());
afterAll(async () => {
  await operator?.close();
  await house.close();
  await moved?.close();
});

/** Within the second that operators are promised. */
const soon = (what: string, check: () => Promise<unknown>) => eventually(() => check().then(() => true), what, 1_000);

test('a renewed secret is the only one, on all replicas; who is in stays in', async () => {
  const { one, two, talk } = house;
  const token = newToken();
  const [ada, bob] = await house.pair(token);
  talk.cloud.secret = 'the secret after the change';
  await operator.change('talk', { secret: talk.cloud.secret });
  for (const replica of [one, two]) {
    await soon('the new secret', async () => {
      expect(await tell(replica, talk.cloud, token, { type: 'message', message: { data: 'new' } })).toBe(200);
    });
    const former = await talk.post(replica, token, 'message', { data: 'old' });
    expect(former.status).toBe(403);
    // Towards the Nextcloud as well: it checks what it is asked.
    await talk.member(replica, newUser('eve'), newToken());
  }
  await ada.fence();
  await bob.fence();
});

test('a Nextcloud that moved is asked at its new URL, also about those who came in by the former one', async () => {
  const { one, two, talk } = house;
  const [ada, bob] = [await talk.user(one, newUser('ada')), await talk.user(two, newUser('bob'))];
  moved = await FakeNextcloud.start(talk.cloud.secret);
  await operator.change('talk', { urls: [moved.url], sessionLimit: 3 });
  const asked = talk.cloud.requests.length;
  for (const replica of [one, two]) {
    await soon('the end of the former URL', () =>
      expect(talk.user(replica, newUser('late'))).rejects.toThrow(/invalid_backend/),
    );
  }
  const token = newToken();
  for (const client of [ada, bob]) await client.join(token, { sessionid: `nc ${client.sessionId}` });
  await ada.expectJoined(bob.sessionId);
  expect(moved.roomActions(`nc ${ada.sessionId}`)).toEqual([`join ${token}`]);
  expect(talk.cloud.requests).toHaveLength(asked);
});

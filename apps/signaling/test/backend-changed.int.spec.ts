import { eventually } from '@parley/testing';
import { FakeNextcloud } from './fake-nextcloud';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser } = house;
let moved: FakeNextcloud;
beforeAll(() => house.start());
afterEach(() => house.sendEverybodyHome());
afterAll(async () => {
  await house.close();
  await moved?.close();
});

/** Within the second that operators are promised. */
const soon = (what: string, check: () => Promise<unknown>) => eventually(() => check().then(() => true), what, 1_000);

test('a renewed secret is the only one, on all replicas; who is in stays in', async () => {
  const { one, two, talk } = house;
  const token = newToken();
  const [ada, bob] = await house.pair(token);
  const former = talk.secret;
  await talk.changeSecret('the secret after the change');
  for (const replica of [one, two]) {
    await soon('the new secret', async () => {
      expect(await talk.post(replica, token, 'message', { data: 'new' })).toMatchObject({ status: 200 });
    });
    const old = JSON.stringify({ type: 'message', message: { data: 'old' } });
    expect(await talk.postText(replica, token, old, {}, former)).toMatchObject({ status: 403 });
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
  await house.region.operator.change(talk.id, { urls: [moved.url], sessionLimit: 3 });
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

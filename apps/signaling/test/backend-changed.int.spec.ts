import { FakeNextcloud } from './fake-nextcloud';
import { expectWithin, takes } from './promised';
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

/** Who looks for something that is refused until it is there does so from elsewhere every time, or it is shut out. */
let looks = 0;
const elsewhere = () => ({ 'x-forwarded-for': `203.0.113.${(looks += 1) % 250}` });

test('a renewed secret is the only one, on all replicas, within the second that operators are promised; who is in stays in', async () => {
  const { one, two, talk } = house;
  const token = newToken();
  const [ada, bob] = await house.pair(token);
  let former = '';
  const greeting = JSON.stringify({ type: 'message', message: { data: 'new' } });
  await expectWithin(1_000, async () => {
    former = talk.secret;
    await talk.changeSecret(`${former}, renewed`);
    const known = [one, two].map((replica) =>
      takes('the new secret', async () => {
        expect(await talk.postText(replica, token, greeting, elsewhere())).toMatchObject({ status: 200 });
      }),
    );
    return Math.max(...(await Promise.all(known)));
  });
  for (const replica of [one, two]) {
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
  for (const replica of [one, two]) {
    await takes('the end of the former URL', () =>
      expect(talk.user(replica, newUser('late'))).rejects.toThrow(/invalid_backend/),
    );
  }
  const asked = talk.cloud.requests.length;
  const token = newToken();
  for (const client of [ada, bob]) await client.join(token, { sessionid: `nc ${client.sessionId}` });
  await ada.expectJoined(bob.sessionId);
  expect(moved.roomActions(`nc ${ada.sessionId}`)).toEqual([`join ${token}`]);
  expect(talk.cloud.requests).toHaveLength(asked);
});

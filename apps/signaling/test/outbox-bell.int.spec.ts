import { createRedis, hearOutboxBell } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser } = house;

beforeAll(() => house.start());
afterEach(() => house.sendEverybodyHome());
afterAll(() => house.close());

test('the relay of the outbox is woken when a room begins and when it is closed by its backend', async () => {
  const listener = createRedis(house.region.redis.url, 'subscriber');
  let heard = 0;
  try {
    await hearOutboxBell(listener, () => (heard += 1));
    const token = newToken();
    await house.talk.member(house.one, newUser('ada'), token);
    await eventually(() => heard > 0, 'the bell for the new room');
    const before = heard;
    await house.postTo('two')(token, 'delete', { userids: [] });
    await eventually(
      () => heard > before,
      () => `the bell for the end of the room; ${heard} in all`,
    );
  } finally {
    listener.disconnect();
  }
});

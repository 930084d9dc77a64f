import { brandAs, type AccountId, type RoomName } from '@parley/domain';
import { event, expectEvent } from './backend-poster';
import { DOMAIN } from './gateway';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser } = house;

inEveryLayout(house, () => {
  test('a room of the same name that somebody else opened outlives its deletion; only those of the backend have to go', async () => {
    const { region, one, two, talk } = house;
    const token = newToken();
    const { rooms } = region.rules(one);
    const { accountId } = await region.database.prisma.domain.findUniqueOrThrow({ where: { name: DOMAIN } });
    await rooms.init(brandAs<AccountId>(accountId), { domain: DOMAIN, name: brandAs<RoomName>(token) });
    const visitor = await region.visitor(two, 'visitor', token);
    await visitor.join(`${DOMAIN}/${token}`);
    const ada = await talk.member(one, newUser('ada'), token);
    const guest = await talk.guest(two);
    await guest.join(token, { sessionid: 'guest' });
    await visitor.expectJoined(guest.sessionId);
    expect((await talk.post(one, token, 'delete', { userids: [] })).status).toBe(200);
    for (const client of [ada, guest]) {
      expect(await expectEvent(client, 'roomlist', 'disinvite')).toMatchObject({ roomid: token, reason: 'deleted' });
      await client.expectClosed();
    }
    await visitor.expect(event('room', 'leave'));
    await visitor.expect(event('room', 'leave'));
    await visitor.fence();
    expect(await region.database.prisma.room.count({ where: { name: token, closedAt: null } })).toBe(1);
  });
});

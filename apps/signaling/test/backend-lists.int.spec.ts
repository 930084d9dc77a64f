import { event, eventOf, expectEvent, foreignIdOf, isRoom } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';
import { DOMAIN } from './gateway';

const house = new TalkHouse();
const { newToken, newUser, post } = house;

inEveryLayout(house, () => {
  test('invite: the invited hear it on all their devices, the others of the room hear of a change', async () => {
    const [token, ada, bob, eve] = [newToken(), newUser('ada'), newUser('bob'), newUser('eve')];
    const [here, there] = [await house.talk.user(house.one, ada), await house.talk.user(house.two, ada)];
    const [second, uninvolved] = [await house.talk.user(house.two, bob), await house.talk.user(house.one, eve)];
    const properties = { name: 'Lobby', 'lobby-state': 0 };
    await post(token, 'invite', { userids: [ada], alluserids: [ada, bob], properties });
    for (const client of [here, there]) {
      expect(await expectEvent(client, 'roomlist', 'invite')).toEqual({ roomid: token, properties });
    }
    expect(await expectEvent(second, 'roomlist', 'update')).toEqual({ roomid: token, properties });
    await here.expectNothing(event('roomlist', 'update'));
    await uninvolved.expectNothing('event');
  });

  test('disinvite: who is in that room is told, closed and gone; the same user elsewhere only hears it', async () => {
    const [token, elsewhere, ada] = [newToken(), newToken(), newUser('ada')];
    const witness = await house.talk.member(house.one, newUser('bob'), token);
    const inside = await house.talk.member(house.two, ada, token, { name: 'inside' });
    const outside = await house.talk.member(house.two, ada, elsewhere, { name: 'outside' });
    await post(token, 'disinvite', { userids: [ada], alluserids: [], properties: { name: 'x' } });
    for (const client of [inside, outside]) {
      expect(await expectEvent(client, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'disinvited' });
    }
    await inside.expectClosedForGood();
    await witness.expect(
      (envelope) => eventOf(envelope)?.type === 'leave' && JSON.stringify(envelope).includes(inside.sessionId),
    );
    const again = await house.region.connect(house.one, 'again');
    await expect(again.helloResume(inside.resumeId)).rejects.toThrow(/no_such_session/);
    await post(elsewhere, 'update', { userids: [ada], properties: { name: 'still there' } });
    expect(await expectEvent(outside, 'roomlist', 'update')).toMatchObject({ properties: { name: 'still there' } });
  });

  test("disinvite by Nextcloud's session ids takes exactly those sessions", async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const first = await house.talk.member(house.one, ada, token, { name: 'first' });
    const second = await house.talk.member(house.two, ada, token, { name: 'second' });
    await post(token, 'disinvite', { sessionids: [foreignIdOf(first), '0', 'unknown'] });
    expect(await expectEvent(first, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'disinvited' });
    await first.expectClosedForGood();
    await second.expectNothing(event('roomlist', 'disinvite'), (envelope) => eventOf(envelope)?.type === 'leave');
  });

  test('update: members get the new properties once, listed users hear of it every time', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const member = await house.talk.member(house.two, newUser('bob'), token);
    const listed = await house.talk.user(house.one, ada);
    const properties = { name: 'renamed', nested: { a: [1, null] } };
    await post(token, 'update', { userids: [ada], properties });
    expect((await member.expect(isRoom)).room).toEqual({ roomid: token, properties });
    expect(await expectEvent(listed, 'roomlist', 'update')).toEqual({ roomid: token, properties });
    await post(token, 'update', { userids: [ada], properties });
    await expectEvent(listed, 'roomlist', 'update');
    await post(token, 'message', { data: 'after the second' });
    await member.expectNothing(isRoom, event('room', 'message'));
  });

  test('delete: members are out, users are told, the room is closed', async () => {
    const [token, ada, bob] = [newToken(), newUser('ada'), newUser('bob')];
    const inside = [
      await house.talk.member(house.one, ada, token),
      await house.talk.member(house.two, newUser('eve'), token),
    ];
    const outside = await house.talk.user(house.two, bob);
    await post(token, 'delete', { userids: [ada, bob] });
    for (const client of inside) expect((await client.expect(isRoom)).room).toEqual({ roomid: '' });
    expect(await expectEvent(outside, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'deleted' });
    const rows = await house.region.database.prisma.room.findMany({ where: { domainName: DOMAIN, name: token } });
    expect(rows.map(({ closedAt }) => closedAt)).toEqual([expect.any(Date)]);
    // Repeating it is fine.
    await post(token, 'delete', { userids: [bob] });
    await expectEvent(outside, 'roomlist', 'disinvite');
  });

  test('a session without a connection hears that it is out when it resumes, and is closed', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const client = await house.talk.member(house.one, ada, token);
    client.drop();
    await client.expectClosed();
    await post(token, 'disinvite', { userids: [ada] });
    const again = await house.region.connect(house.two, 'again');
    await again.helloResume(client.resumeId);
    expect(await expectEvent(again, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'disinvited' });
    await again.expectClosedForGood();
    const third = await house.region.connect(house.one, 'third');
    await expect(third.helloResume(client.resumeId)).rejects.toThrow(/no_such_session/);
  });

  test('the properties in the answer to the first join are the ones the room has, also after a resume', async () => {
    const token = newToken();
    const properties = { name: token };
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    // They are no news.
    await post(token, 'update', { userids: [], properties });
    await post(token, 'message', { data: 'after the update' });
    await ada.expectNothing(isRoom, event('room', 'message'));
    ada.drop();
    await ada.expectClosed();
    const again = await house.region.connect(house.two, 'again');
    await again.helloResume(ada.resumeId);
    const { error } = await again.request('room', { roomid: token, sessionid: foreignIdOf(ada) });
    expect(error).toMatchObject({ code: 'already_joined', details: { room: { roomid: token, properties } } });
  });

  test('who enters is told the properties the room has, not those its backend had when it was asked', async () => {
    const [token, properties] = [newToken(), { name: 'changed', 'lobby-state': 1 }];
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    await post(token, 'update', { userids: [], properties });
    await ada.expect(isRoom);
    const bob = await house.talk.user(house.two, newUser('bob'));
    expect((await bob.join(token, { sessionid: foreignIdOf(bob) })).room).toEqual({ roomid: token, properties });
    await ada.expectNothing(isRoom);
  });

  test('the properties a backend changed are the ones the room has', async () => {
    const [token, properties] = [newToken(), { name: 'changed', 'lobby-state': 1 }];
    const ada = await house.talk.member(house.two, newUser('ada'), token);
    await post(token, 'update', { userids: [], properties });
    await ada.expect(isRoom);
    const { error } = await ada.request('room', { roomid: token, sessionid: foreignIdOf(ada) });
    expect(error).toMatchObject({ code: 'already_joined', details: { room: { roomid: token, properties } } });
  });
});

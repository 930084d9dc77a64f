import { event, expectEvent, foreignIdOf, isUpdate, says } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser, settle } = house;

inEveryLayout(house, () => {
  test('user ids may have spaces', async () => {
    const [ada, bob] = [newUser('ada lovelace '), newUser('bob')];
    const her = await house.talk.member(house.one, ada, newToken());
    const him = await house.talk.user(house.two, bob);
    him.message({ type: 'user', userid: ada }, 'hello');
    expect((await her.expect('message')).message).toMatchObject({ data: 'hello' });
    her.message({ type: 'user', userid: bob }, 'hello');
    expect((await him.expect('message')).message).toMatchObject({ sender: { userid: ada } });
  });

  test('session ids are never the same and in no order: clients compare them to decide who calls whom', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 20; n += 1)
      ids.push((await house.talk.user(n % 2 ? house.one : house.two, newUser('u'))).sessionId);
    const sorted = [...ids].sort();
    expect(new Set(ids).size).toBe(20);
    expect(ids).not.toEqual(sorted);
    expect(ids).not.toEqual(sorted.reverse());
  });

  test('a public id resumes nothing, after a bye nothing does; after a resume a room can be entered', async () => {
    const ada = await house.talk.user(house.one, newUser('ada'));
    const other = await house.region.connect(house.two, 'other');
    await expect(other.helloResume(ada.sessionId)).rejects.toThrow(/no_such_session/);
    // The resume id is no address either.
    const bob = await house.talk.user(house.two, newUser('bob'));
    for (const sessionid of [ada.resumeId, ada.sessionId]) bob.message({ type: 'session', sessionid }, sessionid);
    await ada.expectNothing(says(ada.resumeId), (envelope) => envelope.type === 'message');
    ada.drop();
    await ada.expectClosed();
    const again = await house.region.connect(house.two, 'ada again');
    await again.helloResume(ada.resumeId);
    await house.talk.enter(again, newToken());
    await again.bye();
    await expect(other.helloResume(ada.resumeId)).rejects.toThrow(/no_such_session/);
  });

  test('orders reach users, and the call; who is in neither hears nothing', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const eve = await house.talk.member(house.two, newUser('eve'), token);
    const changed = [{ sessionId: foreignIdOf(bob), inCall: 7 }];
    await house.postTo('one')(token, 'incall', { incall: 7, changed, users: changed });
    await bob.expect(isUpdate);
    ada.send({ type: 'control', control: { recipient: { type: 'call' }, data: 'to the call' } });
    expect((await bob.expect('control')).control).toMatchObject({ sender: { type: 'call' }, data: 'to the call' });
    const name = newUser('two devices');
    const devices = [await house.talk.user(house.one, name), await house.talk.user(house.two, name)];
    ada.send({ type: 'control', control: { recipient: { type: 'user', userid: name }, data: 'to a user' } });
    for (const device of devices)
      expect((await device.expect('control')).control).toMatchObject({ sender: { type: 'user' }, data: 'to a user' });
    await settle(ada, bob, eve);
    for (const client of [ada, bob, eve]) await client.expectNothing('control');
  });

  test('when all have left the call, and then the service too, the list says so', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const service = await house.talk.service(house.two, 'service');
    await service.join(token);
    await ada.expect(isUpdate);
    const users = [ada, bob].map((client) => ({ sessionId: foreignIdOf(client), inCall: 7 }));
    await house.postTo('one')(token, 'incall', { incall: 7, changed: users, users });
    const both = [
      { sessionId: ada.sessionId, inCall: 7 },
      { sessionId: bob.sessionId, inCall: 7 },
    ];
    expect(await expectEvent(ada, 'participants', 'update')).toMatchObject({ users: [...both, { internal: true }] });
    await house.postTo('two')(token, 'incall', { incall: 0, all: true });
    expect(await expectEvent(ada, 'participants', 'update')).toEqual({ roomid: token, incall: 0, all: true });
    await service.bye();
    expect(await expectEvent(ada, 'participants', 'update')).toMatchObject({
      users: both.map((entry) => ({ ...entry, inCall: 0 })),
    });
    await ada.expectNothing(event('participants', 'update'));
  });

  // Last: from then on this address is not listened to.
  test('made-up resume ids are slowed down and at last not listened to; those of sessions that are gone are not', async () => {
    const ada = await house.talk.user(house.one, newUser('ada'));
    await ada.bye();
    const client = await house.region.connect(house.two, 'guessing');
    for (let n = 0; n < 12; n += 1) await expect(client.helloResume(ada.resumeId)).rejects.toThrow(/no_such_session/);
    for (let n = 0; n < 12 && !client.received.some(says('too_many_requests')); n += 1) {
      const replica = n % 2 ? house.one : house.two;
      const guess = await house.region.connect(replica, 'guess');
      await guess.helloResume('made up').catch(() => undefined);
      if (guess.received.some(says('too_many_requests'))) {
        expect(n).toBeGreaterThan(5);
        return;
      }
    }
    throw new Error('nobody was refused');
  });
});

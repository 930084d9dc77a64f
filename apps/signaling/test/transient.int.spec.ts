import type { JsonObject, JsonValue } from '@parley/domain';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import { foreignIdOf, isUpdate } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser, settle } = house;
const MS = 1_000_000;

async function transient(client: ScriptedSignalingClient): Promise<unknown> {
  return (await client.expect('transient')).transient;
}

function set(client: ScriptedSignalingClient, key: string, value: JsonValue, ttl?: number): void {
  client.send({ id: 'set', type: 'transient', transient: { type: 'set', key, value, ...(ttl ? { ttl } : {}) } });
}

function remove(client: ScriptedSignalingClient, key: string): void {
  client.send({ id: 'remove', type: 'transient', transient: { type: 'remove', key } });
}

async function pair() {
  const token = newToken();
  const ada = await house.talk.member(house.one, newUser('ada'), token);
  const bob = await house.talk.member(house.two, newUser('bob'), token);
  return { token, ada, bob };
}

inEveryLayout(house, () => {
  test('everybody is told of values that change, of none that do not', async () => {
    const { ada, bob } = await pair();
    const told = async (expected: JsonObject) => {
      for (const client of [ada, bob]) expect(await transient(client)).toEqual(expected);
    };
    set(ada, 'mood', { a: 1, b: [2] });
    await told({ type: 'set', key: 'mood', value: { a: 1, b: [2] } });
    set(bob, 'mood', { a: 1, b: [2] });
    set(bob, 'mood', 'good');
    await told({ type: 'set', key: 'mood', value: 'good', oldvalue: { a: 1, b: [2] } });
    remove(ada, 'unknown');
    remove(ada, 'mood');
    await told({ type: 'remove', key: 'mood', oldvalue: 'good' });
    // Nothing as a value removes.
    set(bob, 'mood', 0);
    await told({ type: 'set', key: 'mood', value: 0 });
    set(bob, 'mood', null);
    await told({ type: 'remove', key: 'mood', oldvalue: 0 });
    await settle(ada, bob);
    await settle(bob, ada);
    for (const client of [ada, bob]) await client.expectNothing('transient');
  });

  test('a value with a time to live outlives its author, is told to whoever comes, and goes', async () => {
    const { token, ada, bob } = await pair();
    const late = [await house.talk.user(house.one, newUser('c')), await house.talk.user(house.two, newUser('d'))];
    set(ada, 'long', 'y');
    set(ada, 'kept', 'x', 60_000 * MS);
    set(ada, 'short', 'w', 800 * MS);
    for (const client of [ada, bob]) for (let n = 0; n < 3; n += 1) await client.expect('transient');
    await ada.leave();
    expect(await transient(bob)).toEqual({ type: 'remove', key: 'short', oldvalue: 'w' });
    await Promise.all(late.map((client) => house.talk.enter(client, token)));
    for (const client of late)
      expect(await transient(client)).toEqual({ type: 'initial', data: { kept: 'x', long: 'y' } });
    set(bob, 'short', 'v', 800 * MS);
    for (const client of [bob, ...late]) {
      expect(await transient(client)).toEqual({ type: 'set', key: 'short', value: 'v' });
      expect(await transient(client)).toEqual({ type: 'remove', key: 'short', oldvalue: 'v' });
    }
  });

  test('what a session may not write, and where', async () => {
    const { token, ada, bob } = await pair();
    const outside = await house.talk.user(house.one, newUser('outside'));
    set(outside, 'a', 1);
    expect(await outside.expectError('not_in_room')).toMatchObject({ id: 'set' });
    remove(outside, 'a');
    expect(await outside.expectError('not_in_room')).toMatchObject({ id: 'remove' });
    for (const transient of [{ type: 'grow', key: 'a' }, { key: 'a' }]) {
      ada.send({ id: 'odd', type: 'transient', transient });
      expect(await ada.expectError('ignored')).toMatchObject({ id: 'odd' });
    }
    set(ada, '', 1);
    await ada.expectError('invalid_format');
    const changed = [{ sessionId: foreignIdOf(ada), permissions: ['publish-audio'] }];
    await house.postTo('two')(token, 'participants', { changed, users: [] });
    await ada.expect(isUpdate);
    set(ada, 'a', 1);
    expect(await ada.expectError('not_allowed')).toMatchObject({ id: 'set' });
    remove(ada, 'a');
    expect(await ada.expectError('not_allowed')).toMatchObject({ id: 'remove' });
    set(bob, 'a', 1);
    expect(await transient(ada)).toEqual({ type: 'set', key: 'a', value: 1 });
  });

  test('data of a session: written by it alone, and by services; gone with it', async () => {
    const { token, ada, bob } = await pair();
    const key = `sd:${ada.sessionId}`;
    set(bob, key, 1);
    await bob.expectError('not_allowed');
    remove(bob, key);
    await bob.expectError('not_allowed');
    set(ada, key, 'mine');
    expect(await transient(bob)).toEqual({ type: 'set', key, value: 'mine' });
    const service = await house.talk.service(house.two, 'service');
    await service.join(token);
    expect(await transient(service)).toEqual({ type: 'initial', data: { [key]: 'mine' } });
    set(service, key, 'ours');
    expect(await transient(bob)).toEqual({ type: 'set', key, value: 'ours', oldvalue: 'mine' });
    set(service, 'other', 1);
    await bob.expect('transient');
    await ada.bye();
    const left = (envelope: Envelope) => JSON.stringify(envelope).includes('"leave"');
    await bob.expect(left);
    expect(await transient(bob)).toEqual({ type: 'remove', key, oldvalue: 'ours' });
    const late = await house.talk.member(house.one, newUser('late'), token);
    expect(await transient(late)).toEqual({ type: 'initial', data: { other: 1 } });
  });

  test("the values of a room go with its last member, and are no other tenant's business", async () => {
    const { token, ada, bob } = await pair();
    set(ada, 'a', 1);
    await bob.expect('transient');
    const eve = await house.stranger.member(house.one, newUser('eve'), token);
    await eve.expectNothing('transient');
    await ada.bye();
    await bob.bye();
    const late = await house.talk.member(house.one, newUser('late'), token);
    await late.expectNothing('transient');
  });
});

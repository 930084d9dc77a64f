import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { expectEvent, isUpdate } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser, settle } = house;

/** A member, a bridge on the other replica, and a caller the bridge speaks for. */
async function callWithCaller() {
  const token = newToken();
  const ada = await house.talk.member(house.one, newUser('ada'), token);
  const bridge = await house.talk.service(house.two, 'bridge');
  await bridge.join(token);
  await ada.expectJoined(bridge.sessionId);
  await ada.expect(isUpdate);
  bridge.send({
    type: 'internal',
    internal: { type: 'addsession', addsession: { sessionid: 'call', roomid: token, userid: 'phone' } },
  });
  const [caller] = (await expectEvent(ada, 'room', 'join')) as { sessionid: string }[];
  await ada.expect(isUpdate);
  return { token, ada, bridge, caller: caller?.sessionid ?? '' };
}

async function reaches(from: ScriptedSignalingClient, sessionid: string, bridge: ScriptedSignalingClient) {
  from.message({ type: 'session', sessionid }, 'are you there?');
  const { message } = await bridge.expect('message');
  expect(message).toMatchObject({ data: 'are you there?', recipient: { sessionid: 'call' } });
}

inEveryLayout(house, () => {
  test.each(['its room', 'another room'])(
    'nobody takes the place of a caller by naming its id in %s',
    async (where) => {
      const { token, ada, bridge, caller } = await callWithCaller();
      // The backend would not mind: it knows the caller by this very id.
      const eve = await house.talk.user(house.one, newUser('eve'));
      const room = where === 'its room' ? token : newToken();
      await expect(eve.join(room, { sessionid: caller })).rejects.toThrow(/duplicate_session/);
      expect(house.talk.cloud.roomActions(caller).filter((action) => action.startsWith('join'))).toEqual([]);
      await reaches(ada, caller, bridge);
      await eve.fence();
      await ada.expectNothing('event');
    },
  );

  test('nor by taking its id as a new name', async () => {
    const { token, ada, bridge, caller } = await callWithCaller();
    const eve = await house.talk.member(house.two, newUser('eve'), token);
    await ada.expectJoined(eve.sessionId);
    eve.send({ id: 'again', type: 'room', room: { roomid: token, sessionid: caller } });
    await eve.expectError('already_joined');
    await eve.fence();
    await reaches(ada, caller, bridge);
    await settle(eve, ada);
    await ada.expectNothing('event');
  });

  test('the public id of a bridge, or of another client, is no name either; the own one is', async () => {
    const { token, ada, bridge } = await callWithCaller();
    const eve = await house.talk.user(house.one, newUser('eve'));
    for (const { sessionId } of [bridge, ada])
      await expect(eve.join(token, { sessionid: sessionId })).rejects.toThrow(/duplicate_session/);
    await eve.join(token, { sessionid: eve.sessionId });
    await ada.expectJoined(eve.sessionId);
  });

  test('of another backend an id means nothing: it neither takes that place nor learns that there is one', async () => {
    const { ada, bridge, caller } = await callWithCaller();
    const eve = await house.stranger.user(house.one, newUser('eve'));
    const token = newToken();
    await eve.join(token, { sessionid: caller });
    await eventually(() => house.stranger.cloud.roomActions(caller).length > 0, 'the other backend to be asked');
    await reaches(ada, caller, bridge);
  });
});

import type { JsonObject } from '@parley/domain';
import { type Envelope, eventually, type ScriptedSignalingClient } from '@parley/testing';
import { tenantOf } from '../src/spreed/authenticator';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const askId: unknown = expect.stringMatching(/^.{32}$/);
const NUMBER = '+491234567890';
const house = new TalkHouse({ dialoutMs: 15_000, endedCallMs: 800 });

let serial = 1_000;
/** Rooms with a telephone have numbers. */
const newNumber = () => `${(serial += 1)}`;

const features = ['start-dialout'];

async function dial(token: string, at = house.one) {
  const body = { number: NUMBER, options: { attendeeId: 7 } };
  const answer = await house.talk.post(at, token, 'dialout', body);
  return { status: answer.status, dialout: (JSON.parse(answer.body) as { dialout?: JsonObject }).dialout };
}

const isQuestion = (envelope: Envelope) => envelope.type === 'internal';

function report(client: ScriptedSignalingClient, id: string | undefined, dialout: JsonObject): void {
  client.send({ ...(id === undefined ? {} : { id }), type: 'internal', internal: { type: 'dialout', dialout } });
}

/** Answers every question with this. */
async function answering(client: ScriptedSignalingClient, dialout: JsonObject): Promise<Envelope> {
  const question = await client.expect(isQuestion);
  report(client, question.id as string, dialout);
  return question;
}

inEveryLayout(house, () => {
  test('without a bridge of its own a backend is told so', async () => {
    await house.stranger.service(house.one, 'other bridge', { features });
    await house.talk.service(house.one, 'recorder');
    expect(await dial('12345')).toMatchObject({ status: 404, dialout: { error: { code: 'no_client_available' } } });
  });

  test('a bridge on another replica takes the call', async () => {
    const token = newNumber();
    const bridge = await house.talk.service(house.two, 'bridge', { features });
    const [answer, question] = await Promise.all([
      dial(token),
      answering(bridge, { type: 'status', roomid: token, status: { callid: 'call-1', status: 'accepted' } }),
    ]);
    expect(answer).toEqual({ status: 200, dialout: { callid: 'call-1' } });
    expect(question).toEqual({
      id: askId,
      type: 'internal',
      internal: {
        type: 'dialout',
        dialout: {
          roomid: token,
          backend: house.talk.cloud.url,
          request: { number: NUMBER, options: { attendeeId: 7 } },
        },
      },
    });
  });

  test('the first error is told when no bridge takes the call; the room hears nothing of it', async () => {
    const token = newNumber();
    const ada = await house.talk.member(house.two, 'ada', token);
    const bridge = await house.talk.service(house.two, 'bridge', { features });
    const error = { code: 'busy', message: 'No line is free.' };
    const [answer] = await Promise.all([dial(token), answering(bridge, { type: 'error', roomid: token, error })]);
    expect(answer).toEqual({ status: 502, dialout: { error } });
    const [odd] = await Promise.all([dial(token), answering(bridge, { type: 'wave', roomid: token })]);
    expect(odd).toMatchObject({ status: 502, dialout: { error: { code: 'unsupported_type' } } });
    const status = { callid: 'call-2', status: 'ringing' };
    const [early] = await Promise.all([dial(token), answering(bridge, { type: 'status', roomid: token, status })]);
    expect(early).toMatchObject({ status: 502, dialout: { error: { code: 'unsupported_status' } } });
    await ada.expectNothing('dialout', 'transient');
  });

  test('a bridge that is silent is given up, another one takes the call', async () => {
    const token = newNumber();
    const bridges = [
      await house.talk.service(house.one, 'bridge one', { features }),
      await house.talk.service(house.two, 'bridge two', { features }),
    ];
    const impatient = await house.region.replica({ dialoutMs: 400 });
    expect(await dial(token, impatient)).toMatchObject({ status: 502, dialout: { error: { code: 'timeout' } } });
    await house.region.retire(impatient);
    for (const bridge of bridges) await bridge.expect(isQuestion);
    // One that lost its connection is not asked.
    bridges[0]?.drop();
    const asked = () => house.one.live.sessions.withFeature(tenantOf({ id: house.talk.id }), 'start-dialout');
    await eventually(async () => (await asked()).length === 1, 'its replica to notice');
    const left = bridges[1];
    if (left === undefined) throw new Error('no bridge');
    const status = { callid: 'call-3', status: 'accepted' };
    const [answer] = await Promise.all([dial(token), answering(left, { type: 'status', roomid: token, status })]);
    expect(answer).toEqual({ status: 200, dialout: { callid: 'call-3' } });
  });

  test('what becomes of a call is a value of its room; errors are told to everybody in it', async () => {
    const token = newNumber();
    const ada = await house.talk.member(house.one, 'ada', token);
    const bridge = await house.talk.service(house.two, 'bridge', { features });
    const tell = (status: JsonObject) => report(bridge, undefined, { type: 'status', roomid: token, status });
    const key = 'callstatus_call-4';
    tell({ callid: 'call-4', status: 'ringing' });
    const ringing = { callid: 'call-4', status: 'ringing' };
    expect((await ada.expect('transient')).transient).toEqual({ type: 'set', key, value: ringing });
    const cleared = { callid: 'call-4', status: 'cleared', cause: 'hungup', code: 16 };
    tell(cleared);
    expect((await ada.expect('transient')).transient).toEqual({ type: 'set', key, value: cleared, oldvalue: ringing });
    const error = { code: 'no_route', message: 'Nobody there.' };
    report(bridge, undefined, { type: 'error', roomid: token, error });
    expect(await ada.expect('dialout')).toEqual({ type: 'dialout', dialout: { type: 'error', error } });
    expect((await ada.expect('transient')).transient).toEqual({ type: 'remove', key, oldvalue: cleared });
  });

  test('a bridge cannot speak about rooms of another backend', async () => {
    const token = newNumber();
    const ada = await house.talk.member(house.one, 'ada', token);
    const other = await house.stranger.service(house.one, 'other bridge', { features });
    report(other, undefined, { type: 'status', roomid: token, status: { callid: 'x', status: 'ringing' } });
    report(other, undefined, { type: 'error', roomid: token, error: { code: 'x', message: 'x' } });
    await other.fence();
    await ada.expectNothing((envelope) => envelope.type === 'transient' || envelope.type === 'dialout');
  });
});

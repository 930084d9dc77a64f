import { WebSocket } from 'ws';
import { eventually } from '@parley/testing';
import { ParleyClient } from '../src';
import { ears, message } from './ears';
import { FakeParley } from './fake-parley';

let eu: FakeParley;

beforeEach(async () => {
  eu = await FakeParley.start('eu-1');
});

afterEach(() => eu.close());

const request = { room: 'a.test/lobby', displayName: 'Ada' };

function client() {
  // It is patient, as a busy machine may need it to be.
  const times = { retryMs: 5, moveMs: 5, answerMs: 20_000, giveUpMs: 20_000 };
  return new ParleyClient({ url: eu.url, frontDoor: 'as-given', webSocket: WebSocket, times });
}

it('takes its session back, once, from a resume of its own that it had given up', async () => {
  const { handlers, has, heard } = ears();
  await client().join(request, handlers);
  // The first resume gets no answer, as of a gateway that stands still.
  eu.answerFrame = (frame, socket) => {
    if (frame.type === 'hello' && eu.hellos.length === 2) return void socket.terminate();
    return eu.usual(frame);
  };
  eu.cut();
  await has('connected: resumed');
  const bye = { type: 'bye', bye: { reason: 'session_resumed' } };
  eu.tell(bye);
  await eventually(() => heard.filter((line) => line === 'connected: resumed').length === 2, 'another resume');
  expect(eu.hellos.at(-1)).toMatchObject({ resumeid: 'resume-eu-1' });
  eu.tell(bye);
  await has('closed: session_resumed');
});

it('takes it back, too, when it loses it in the moment it has it', async () => {
  const { handlers, has, heard } = ears();
  const session = await client().join(request, handlers);
  eu.answerFrame = (frame, socket) => {
    if (frame.type === 'hello' && eu.hellos.length === 2) return void socket.terminate();
    const answer = eu.usual(frame);
    if (frame.type !== 'hello' || eu.hellos.length !== 3) return answer;
    // In one go, as after a standstill.
    for (const one of [answer, { type: 'bye', bye: { reason: 'session_resumed' } }]) socket.send(JSON.stringify(one));
    return undefined;
  };
  eu.cut();
  await has('connected: resumed');
  expect(eu.hellos).toHaveLength(4);
  eu.tell(message('there', 'seq-1'));
  await has('message there');
  expect(heard.filter((line) => line.startsWith('closed'))).toEqual([]);
  session.leave();
});

it('is over when its session goes on elsewhere', async () => {
  const { handlers, has } = ears();
  await client().join(request, handlers);
  eu.cut();
  await has('connected: resumed');
  eu.tell({ type: 'bye', bye: { reason: 'session_resumed' } });
  await has('closed: session_resumed');
});

it('takes it back, too, when it loses it in the moment it is in the room', async () => {
  const { handlers, has, heard } = ears();
  const session = await client().join(request, handlers);
  let rooms = 0;
  eu.answerFrame = (frame, socket) => {
    if (frame.type === 'room') rooms += 1;
    const hello = frame.type === 'hello' ? eu.hellos.length : 0;
    // Its session is gone; the new one breaks before it is in the room, and the first resume of that gets no answer.
    if (hello === 2) return { id: frame.id, type: 'error', error: { code: 'no_such_session', message: 'Gone.' } };
    if (hello === 4 || (frame.type === 'room' && rooms === 1)) return void socket.terminate();
    const answer = eu.usual(frame);
    if (frame.type !== 'room' || rooms !== 2) return answer;
    // In one go, as after a standstill.
    for (const one of [answer, { type: 'bye', bye: { reason: 'session_resumed' } }]) socket.send(JSON.stringify(one));
    return undefined;
  };
  eu.cut();
  await has('connected: resumed');
  expect([eu.hellos.length, rooms]).toEqual([6, 3]);
  eu.tell(message('there', 'seq-1'));
  await has('message there');
  expect(heard.filter((line) => line.startsWith('closed'))).toEqual([]);
  session.leave();
});

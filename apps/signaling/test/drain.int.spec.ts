import { WebSocket } from 'ws';
import { ParleyClient, type Session, type SessionHandlers } from '@parley/client';
import { eventually } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { DOMAIN, FAST, PUBLIC_URL, TestRegion } from './gateway';

const ROOMS = 10;
/** Per room, on the gateway that is drained. */
const LISTENERS = 9;

let region: TestRegion;

beforeAll(async () => {
  region = await TestRegion.start();
});

afterAll(() => region?.close());

/** A WebSocket of the front door: each connection goes to the gateway that `place` names at that moment. */
function through(place: () => RunningSignaling) {
  return class extends WebSocket {
    constructor(_url: string) {
      super(`${place().url.replace('http', 'ws')}/spreed`);
    }
  };
}

async function enter(room: string, place: () => RunningSignaling, handlers: SessionHandlers): Promise<Session> {
  const rest = async () => {
    const { ticket, authUrl } = await region.ticket(place(), room);
    const roomId = `${DOMAIN}/${room}`;
    return Response.json({
      ticket,
      authUrl,
      signalingUrl: 'ws://parley.test/spreed',
      iceServers: [],
      roomId,
      peerType: 2,
    });
  };
  const options = { url: PUBLIC_URL, frontDoor: 'as-given', fetch: rest, webSocket: through(place) } as const;
  return new ParleyClient(options).join({ room: `${DOMAIN}/${room}` }, handlers);
}

test('a gateway that is drained under load hands all its sessions over: nothing lost, nothing twice, nobody comes in anew', async () => {
  const [leaving, staying] = [await region.replica(FAST), await region.replica(FAST)];
  let current = leaving;
  const heard: number[][] = [];
  const states: string[] = [];
  const speakers: Session[] = [];
  const listeners: Session[] = [];
  for (let room = 0; room < ROOMS; room += 1) {
    speakers.push(await enter(`drain-${room}`, () => staying, {}));
    await Promise.all(
      Array.from({ length: LISTENERS }, async () => {
        const mine: number[] = [];
        heard.push(mine);
        const listener = await enter(`drain-${room}`, () => current, {
          message: ({ data }) => void mine.push((data as { n: number }).n),
          state: (state, reason) => void states.push(reason ?? state),
        });
        listeners.push(listener);
      }),
    );
  }
  let said = 0;
  const say = () => {
    said += 1;
    for (const speaker of speakers) speaker.send({ type: 'room' }, { n: said });
  };
  const behind = () => said - Math.min(...heard.map((mine) => mine.length));
  // On a busy machine one waits: whoever lags behind more than is kept for him would have to begin anew.
  const talking = setInterval(() => behind() < 100 && say(), 50);
  try {
    await eventually(() => heard.every((mine) => mine.length > 0), 'everybody to hear something');
    current = staying;
    const from = said;
    await region.retire(leaving);
    const resumed = () => states.filter((state) => state === 'resumed').length;
    await eventually(
      () => resumed() === heard.length,
      () => `${resumed()} of ${heard.length} to resume`,
      45_000,
    );
    expect(said).toBeGreaterThan(from);
  } finally {
    clearInterval(talking);
  }
  say();
  const all = Array.from({ length: said }, (_, n) => n + 1);
  // Who entered before the talk began has heard all of it.
  const short = () => heard.filter((mine) => mine.length < said).length;
  await eventually(
    () => short() === 0,
    () => `the last word; ${short()} of ${heard.length} have not heard all`,
    45_000,
  );
  for (const mine of heard) expect(mine).toEqual(all);
  expect(states.filter((state) => state === 'renewed' || state === 'closed')).toEqual([]);
  for (const session of [...speakers, ...listeners]) session.leave();
}, 150_000);

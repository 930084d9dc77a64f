import { brandAs, type RoomSessionId, type TenantKey } from '@parley/domain';
import { eventually } from '@parley/testing';
import fc from 'fast-check';
import { DialogueClient } from './dialogue-client';
import { say, TENANT, World, type Backend, type Node } from './world';

const CLIENTS = 5;
const NODES = 3;
const STRANGER = brandAs<TenantKey>('backend:stranger');

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), room: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('room' as const), via: fc.nat(NODES - 1) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('session' as const), to: fc.nat(CLIENTS - 1), via: fc.nat(NODES - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stranger' as const), via: fc.nat(NODES - 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('reconnect' as const),
      at: fc.nat(NODES - 1),
      lost: fc.nat(4),
      politely: fc.boolean(),
    }),
  },
);
const dialogue = fc.array(fc.record({ who: fc.nat(CLIENTS - 1), step }), { minLength: 10, maxLength: 60 });
type Dialogue = typeof dialogue extends fc.Arbitrary<infer Value> ? Value : never;

/** Random conversations: whatever happens, everybody is told everything once and in order. */
export function dialoguesSuite(backend: () => Backend, runs: number): void {
  describe('dialogues', () => {
    it('tell everybody everything once, in order, and nothing to strangers', async () => {
      await fc.assert(
        fc.asyncProperty(dialogue, async (lines) => {
          const world = new World(backend());
          try {
            await play(world, lines);
          } finally {
            await world.close();
          }
        }),
        // A dialogue that fails waits for what never comes, so shrinking it would take minutes.
        { numRuns: runs, endOnFailure: true },
      );
    }, 120_000);
  });
}

async function play(world: World, lines: Dialogue): Promise<void> {
  const nodes = [...Array(NODES).keys()].map(() => world.node());
  const rooms = [world.room(), world.room()];
  const clients = await Promise.all(
    [...Array(CLIENTS).keys()].map(async (n) => new DialogueClient(`c${n}`, await at(nodes, n % NODES).open(`c${n}`))),
  );
  const stranger = await at(nodes, 0).open('stranger', { tenant: STRANGER });
  const sent = new Map<string, string[]>(clients.map(({ name }) => [name, []]));
  let serial = 0;
  const talk = lines.map(({ who, step }) => {
    const client = at(clients, who);
    const text = () => `${client.name}:${++serial}`;
    return client.inTurn(async () => {
      if (step.do === 'join') await client.join(at(rooms, step.room));
      else if (step.do === 'leave') await client.leave();
      else if (step.do === 'reconnect') await client.reconnect(at(nodes, step.at), step.lost, step.politely);
      else if (step.do === 'room') await toRoom(at(nodes, step.via), client, text());
      else if (step.do === 'stranger') {
        const answer = await at(nodes, step.via).live.sessions.toSession(TENANT, stranger.id, say(text()));
        expect(answer).toBe('unknown');
      } else {
        const message = text();
        const to = at(clients, step.to);
        sent.get(to.name)?.push(message);
        expect(await at(nodes, step.via).live.sessions.toSession(TENANT, to.id, say(message))).toBe('sent');
      }
    });
  });
  await Promise.all(talk);
  await check(at(nodes, 0), rooms, clients, sent);
  expect(stranger.sink.lines).toEqual([]);
}

async function toRoom(node: Node, client: DialogueClient, text: string): Promise<void> {
  const { room } = client.person.session;
  if (room) await node.live.sessions.toRoom(room, say(`room ${text}`), client.id);
}

async function check(
  node: Node,
  rooms: readonly RoomSessionId[],
  clients: readonly DialogueClient[],
  sent: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const members = await Promise.all(rooms.map((room) => node.live.rooms.members(room)));
  for (const client of clients) {
    const { room } = client.person.session;
    const all = room === undefined ? undefined : members[rooms.indexOf(room)]?.map((member) => member.sessionId);
    const others = all?.filter((id) => id !== client.id).sort();
    await eventually(
      () => JSON.stringify(client.account().present) === JSON.stringify(others),
      () => `${client.name} to see ${String(others)}; it sees ${String(client.account().present)}`,
    );
    const expected = [...(sent.get(client.name) ?? [])].sort();
    const direct = () => client.account().texts.filter((text) => !text.startsWith('room '));
    await eventually(
      () => direct().length >= expected.length,
      () => `${client.name} to have ${expected.join(' ')}; it has ${direct().join(' ')}`,
    );
    expect(direct().sort()).toEqual(expected);
    const { texts } = client.account();
    expect(new Set(texts).size).toBe(texts.length);
    for (const kind of ['room ', '']) for (const sender of clients) expectRising(texts, `${kind}${sender.name}:`);
  }
}

/** What one sender said one way is heard in the order in which it was said. */
function expectRising(texts: readonly string[], start: string): void {
  const numbers = texts.filter((text) => text.startsWith(start)).map((text) => Number(text.slice(start.length)));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
}

function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new Error(`nothing at ${index}`);
  return value;
}

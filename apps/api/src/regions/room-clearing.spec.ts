import {
  brandAs,
  type DomainName,
  type OpenedBy,
  type RegionEntry,
  type RegionId,
  type Room,
  type RoomName,
  type RoomSessionId,
} from '@parley/domain';
import { RoomClearing } from './room-clearing';

const DOMAIN = brandAs<DomainName>('a.test');
const US = brandAs<RegionId>('us-1');
const HOME: RegionEntry = {
  id: US,
  number: 2,
  apiUrl: 'https://api.us.test',
  signalingUrl: 'wss://rt.us.test',
  position: null,
  group: null,
  state: 'serving',
  version: 1,
};

function room(name: string, openedBy: OpenedBy = 'visitor'): Room {
  return {
    id: brandAs<RoomSessionId>(`rs_eu-1_${name}`),
    domain: DOMAIN,
    name: brandAs<RoomName>(name),
    openedBy,
    policy: {
      version: 1,
      type: 'conference',
      locked: false,
      capacity: 100,
      passwordVersion: 0,
      hasHostKey: false,
    },
    password: null,
    hostKey: null,
    openedAt: new Date(0),
    closeAfter: null,
  };
}

/** What is done, in order; closing the room `stuck` fails. */
function clearing(open: readonly Room[], regions: readonly RegionEntry[] = [HOME]) {
  const done: string[] = [];
  const cleared = new RoomClearing({
    store: { listOpen: async () => open },
    rooms: {
      closeForBackend: async (id) => {
        if (id.endsWith('stuck')) throw new Error('stuck');
        done.push(`close ${id}`);
      },
    },
    sessions: { toRoom: async (id, event) => void done.push(`tell ${id} ${JSON.stringify(event)}`) },
    regions: { find: (id) => regions.find((region) => region.id === id) },
  });
  return { done, clear: () => cleared.clear(DOMAIN, US) };
}

it('tells a room where it goes on, then closes it', async () => {
  const { done, clear } = clearing([room('lobby')]);
  await clear();
  const details = { region: 'us-1', url: 'wss://rt.us.test/spreed' };
  expect(done).toEqual([
    `tell rs_eu-1_lobby ${JSON.stringify({ kind: 'moved', roomName: 'a.test/lobby', details })}`,
    'close rs_eu-1_lobby',
  ]);
});

it('names the region alone when it does not know where its sockets are, and leads nobody away from a foreign backend', async () => {
  const { done, clear } = clearing([room('lobby'), room('token', 'backend')], []);
  await clear();
  expect(done.filter((line) => line.startsWith('tell'))).toEqual([
    `tell rs_eu-1_lobby ${JSON.stringify({ kind: 'moved', roomName: 'a.test/lobby', details: { region: 'us-1' } })}`,
  ]);
  expect(done).toContain('close rs_eu-1_token');
});

it('closes all but the one that cannot be closed, and says so', async () => {
  const names = Array.from({ length: 20 }, (_, n) => (n === 2 ? 'stuck' : `room-${n}`));
  const { done, clear } = clearing(names.map((name) => room(name)));
  await expect(clear()).rejects.toThrow('stuck');
  expect(done.filter((line) => line.startsWith('close'))).toHaveLength(19);
});

import {
  brandAs,
  DomainError,
  type CoreEvent,
  type JsonValue,
  type Member,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import type { Live, MemberPatch } from '@parley/live';
import { ParticipantsBoard } from '../spreed/participants-board';
import { tenantOf } from '../spreed/authenticator';
import { CallStates } from './call-states';

const ROOM = brandAs<RoomSessionId>('rs_1');
const TENANT = tenantOf({ id: 'cloud' });
const id = (text: string) => brandAs<SessionId>(text);

/** One room of the live layer with everything the call states touch; what is written last wins only by order. */
class FakeRoom {
  readonly told: CoreEvent[] = [];
  readonly permissions = new Map<SessionId, readonly string[]>();
  readonly documents = new Map<string, { value: JsonValue; order: number }>();
  /** Called before permissions reach their session: where a faster request comes in between. */
  beforePermissions: () => Promise<void> = async () => {};
  /** Fails as if the store did not answer. */
  fails: (step: 'patch' | 'tell' | `put ${string}`) => boolean = () => false;
  private readonly patchOrders = new Map<SessionId, number>();
  private order = 100;

  constructor(public members: Member[]) {}

  /** As much of the port as is used here. */
  get live(): Pick<Live, 'sessions' | 'rooms'> {
    const sessions = {
      byForeignId: async (_tenant: string, ids: readonly string[]) => {
        const known = this.members.flatMap(({ foreignSessionId, sessionId }) => {
          return foreignSessionId !== undefined && ids.includes(foreignSessionId)
            ? [[foreignSessionId, sessionId] as const]
            : [];
        });
        return new Map(known);
      },
      setPermissions: async (session: SessionId, permissions: readonly string[]) => {
        await this.beforePermissions();
        this.permissions.set(session, permissions);
        return true;
      },
      toRoom: async (_room: RoomSessionId, event: CoreEvent) => {
        this.answer('tell');
        this.told.push(event);
      },
    };
    const rooms = {
      nextOrder: async () => (this.order += 1),
      members: async () => this.members,
      putDocument: async (_room: RoomSessionId, name: string, value: JsonValue, order: number) => {
        this.answer(`put ${name}`);
        if ((this.documents.get(name)?.order ?? 0) >= order) return false;
        this.documents.set(name, { value, order });
        return true;
      },
      document: async (_room: RoomSessionId, name: string) => this.documents.get(name)?.value,
      patchMembers: async (_room: RoomSessionId, patches: readonly MemberPatch[], order = 0) =>
        this.patch(patches, order),
    };
    return { sessions, rooms } as unknown as Pick<Live, 'sessions' | 'rooms'>;
  }

  private answer(step: Parameters<FakeRoom['fails']>[0]): void {
    if (this.fails(step)) throw new DomainError('unavailable', 'The store does not answer.');
  }

  private patch(patches: readonly MemberPatch[], order: number): readonly Member[] {
    this.answer('patch');
    for (const { sessionId, inCall } of patches) {
      if ((this.patchOrders.get(sessionId) ?? 0) > order) continue;
      this.patchOrders.set(sessionId, order);
      this.members = this.members.map((member) =>
        member.sessionId === sessionId ? { ...member, ...(inCall === undefined ? {} : { inCall }) } : member,
      );
    }
    return this.members;
  }
}

function member(name: string, more: Partial<Member> = {}): Member {
  const sessionId = id(name);
  return { sessionId, kind: 'client', role: 'guest', userId: name, order: 1, foreignSessionId: `nc/${name}`, ...more };
}

function setUp(...members: Member[]) {
  const room = new FakeRoom(members);
  const board = new ParticipantsBoard(room.live, { now: () => new Date(0) });
  const calls = new CallStates(room.live, board);
  const at = (order: number) => ({ id: ROOM, order, isBackends: true });
  const inCallOf = () => Object.fromEntries(room.members.map(({ sessionId, inCall }) => [sessionId, inCall]));
  return { room, calls, at, inCallOf };
}

describe('newest wins', () => {
  test('a request that was slow neither changes nor tells what a later one said', async () => {
    const { room, calls, at, inCallOf } = setUp(member('A'), member('B'));
    const entry = (name: string, inCall: number) => ({ sessionId: `nc/${name}`, inCall });
    await calls.inCall(TENANT, at(5), { changed: [entry('A', 7)], users: [entry('A', 7), entry('B', 0)] });
    room.told.length = 0;
    await calls.inCall(TENANT, at(4), { changed: [entry('A', 0), entry('B', 1)], users: [entry('A', 0)] });
    // What nobody said anything newer about still counts.
    expect(inCallOf()).toEqual({ A: 7, B: 1 });
    for (const event of room.told) {
      expect(event).toMatchObject({ users: [{ sessionId: 'A', inCall: 7 }, { sessionId: 'B' }] });
    }
    room.told.length = 0;
    await calls.participants(TENANT, at(3), { changed: [], users: [entry('B', 3)] });
    expect(room.told).toEqual([]);
  });

  test('the newest permissions stay, also when an older request hands its own over later', async () => {
    const { room, calls, at } = setUp(member('A'));
    const ask = (order: number, permissions: string[]) =>
      calls.participants(TENANT, at(order), { changed: [{ sessionId: 'nc/A', permissions }], users: [] });
    room.beforePermissions = async () => {
      room.beforePermissions = async () => {};
      await ask(5, ['newest']);
    };
    await ask(4, ['older']);
    expect(room.permissions.get(id('A'))).toEqual(['newest']);
    await ask(3, ['oldest']);
    expect(room.permissions.get(id('A'))).toEqual(['newest']);
  });
});

describe('everybody at once', () => {
  const others = () => [
    member('A'),
    member('B', { inCall: 3 }),
    member('service', { kind: 'internal', inCall: 3 }),
    member('phone', { kind: 'virtual', inCall: 9 }),
    member('guest', { kind: 'federation' }),
  ];

  test('into the call: clients only, one event; nothing when they are in already', async () => {
    const { room, calls, at, inCallOf } = setUp(...others());
    await calls.allInCall(at(1), 7);
    expect(inCallOf()).toEqual({ A: 7, B: 7, service: 3, phone: 9, guest: undefined });
    expect(room.told).toEqual([{ kind: 'all-in-call', inCall: 7 }]);
    await calls.allInCall(at(2), 7);
    expect(room.told).toHaveLength(1);
  });

  test('out of the call: all but services; the list that is kept says so too', async () => {
    const { room, calls, at, inCallOf } = setUp(...others());
    await calls.participants(TENANT, at(1), { changed: [], users: [{ sessionId: 'nc/B', inCall: 3, name: 'Bob' }] });
    room.told.length = 0;
    await calls.allInCall(at(2), 0);
    expect(inCallOf()).toEqual({ A: 0, B: 0, service: 3, phone: 9, guest: 0 });
    expect(room.told).toEqual([{ kind: 'all-in-call', inCall: 0 }]);
    expect(room.documents.get('users')?.value).toEqual([{ sessionId: 'B', inCall: 0, name: 'Bob' }]);
    await calls.allInCall(at(3), 0);
    expect(room.told).toHaveLength(1);
  });

  test('a request that was told to everybody has not failed', async () => {
    const { room, calls, at } = setUp(...others());
    room.fails = (tried) => tried === 'put untold-all-in-call' && room.told.length > 0;
    await calls.allInCall(at(2), 7);
    expect(room.told).toEqual([{ kind: 'all-in-call', inCall: 7 }]);
  });

  test.each(['patch', 'put users', 'tell'] as const)(
    'a try that fails (%s) is made again, and told then',
    async (step) => {
      const { room, calls, at, inCallOf } = setUp(...others());
      await calls.participants(TENANT, at(1), { changed: [], users: [{ sessionId: 'nc/A', inCall: 0 }] });
      room.told.length = 0;
      room.fails = (tried) => tried === step;
      await expect(calls.allInCall(at(2), 7)).rejects.toMatchObject({ code: 'unavailable' });
      expect(room.told).toEqual([]);
      room.fails = () => false;
      await calls.allInCall(at(3), 7);
      expect(inCallOf()).toMatchObject({ A: 7, B: 7 });
      expect(room.documents.get('users')?.value).toEqual([{ sessionId: 'A', inCall: 7 }]);
      expect(room.told).toEqual([{ kind: 'all-in-call', inCall: 7 }]);
      await calls.allInCall(at(200), 7);
      expect(room.told).toHaveLength(1);
    },
  );
});

import fc from 'fast-check';
import { brandAs, type SessionId } from '@parley/domain';
import { SignalingMachine, type ConnectionState, type Input } from '../src';

const json = fc.json({ maxDepth: 3 });
const body = fc.oneof(json, fc.constant('{"version":"1.0","resumeid":"a.b"}'), fc.constant('{"roomid":"r"}'));
const type = fc.constantFrom('hello', 'room', 'message', 'control', 'bye', 'internal', 'transient', 'x', '__proto__');
const frameText = fc.oneof(
  fc.string(),
  json,
  fc.tuple(type, body).map(([name, value]) => `{"id":"1","type":"${name}","${name}":${value}}`),
);
const position = { session: 1, room: { id: 'rs', generation: 'g', seq: 1 } };
const identity = { kind: 'client' as const, userId: '' };
const member = { sessionId: 's', kind: 'client', role: 'guest', userId: '', order: 1 };
const refused = { ok: false as const, error: { code: 'x', message: 'y' } };
const facts = {
  ok: true as const,
  sessionId: brandAs<SessionId>('s'),
  resumeId: 's.r',
  identity,
  features: [],
  room: undefined,
  missed: [],
};
const room = { roomId: 'r', liveId: 'rs', properties: undefined, mayControl: true };
const cursor = position.room;

/** Inputs in any order, also ones that cannot follow each other: the machine must shrug them off. */
const input = fc.oneof(
  frameText.map((text) => ({ kind: 'frame', text })),
  fc.constantFrom(
    { kind: 'opened' },
    { kind: 'binary' },
    { kind: 'timer', timer: 'hello' },
    { kind: 'timer', timer: 'guest-join' },
    { kind: 'session-opened', outcome: facts },
    { kind: 'session-opened', outcome: refused },
    { kind: 'session-resumed', outcome: facts },
    { kind: 'session-resumed', outcome: refused },
    { kind: 'joined', id: '1', outcome: { ok: true, room, self: member, others: [member], cursor } },
    { kind: 'joined', id: '1', outcome: refused },
    { kind: 'left', id: '1', outcome: { ok: true } },
    { kind: 'request-failed', id: '1', error: { code: 'x', message: 'y' } },
    { kind: 'virtuals-changed', virtuals: new Map([['v', { chosenId: 'c', roomId: 'r' }]]) },
    { kind: 'delivered', event: { kind: 'permissions', permissions: ['hide-displaynames'] }, position },
    { kind: 'delivered', event: { kind: 'joined', members: [member] }, position },
    { kind: 'delivered', event: { kind: 'participants', users: [], inCall: ['s'], order: 2 }, position },
    { kind: 'delivered', event: { kind: 'all-in-call', inCall: 1 }, position },
    { kind: 'delivered', event: { kind: 'flags', sessionId: 's', flags: 1 }, position },
    { kind: 'delivered', event: { kind: 'announcement', data: { type: 'chat', chat: { comments: [1] } } }, position },
    { kind: 'delivered', event: { kind: 'ask', askId: 'a', topic: 'dialout', data: {} }, position },
    { kind: 'delivered', event: { kind: 'transient', change: 'set', key: 'k', value: 1 }, position },
    { kind: 'delivered', event: { kind: 'left', sessionIds: ['s'] }, position },
    { kind: 'delivered', event: { kind: 'room-closed' }, position },
    { kind: 'ended', reason: 'kicked' },
    { kind: 'ended', reason: 'log_overflow' },
    { kind: 'session-ended' },
    { kind: 'disconnected' },
    { kind: 'shutdown' },
  ),
);

describe('state machine', () => {
  test('takes any inputs in any order without throwing, and is silent once closed', () => {
    const machine = new SignalingMachine({ version: '1' });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 30 }), (inputs) => {
        let state: ConnectionState = machine.initial();
        for (const next of inputs) {
          const before = state.phase;
          const step = machine.step(state, next as Input);
          state = step.state;
          const sent = step.effects.filter((effect) => effect.kind === 'send');
          if (before === 'closed') expect(sent).toEqual([]);
          for (const effect of sent) expect(typeof JSON.parse(effect.frame.text)).toBe('object');
          for (const effect of step.effects) if (effect.kind === 'close') expect(effect.code).not.toBe(1001);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a frame over 64 KiB closes with 1009 and keeps the session for resume', () => {
    const machine = new SignalingMachine({ version: '1' });
    let state = machine.step(machine.initial(), { kind: 'opened' }).state;
    state = machine.step(state, {
      kind: 'frame',
      text: '{"type":"hello","hello":{"version":"1.0","resumeid":"a.b"}}',
    }).state;
    state = machine.step(state, { kind: 'session-resumed', outcome: facts }).state;
    const step = machine.step(state, { kind: 'frame', text: `"${'é'.repeat(32_768)}"` });
    expect(step.effects).toEqual([{ kind: 'detach-session' }, { kind: 'close', code: 1009 }]);
  });

  test('what is meant for a virtual session reaches its service under the name it chose, of its own room only', () => {
    const machine = new SignalingMachine({ version: '1' });
    let state: ConnectionState = machine.step(machine.initial(), {
      kind: 'frame',
      text: '{"type":"hello","hello":{"version":"1.0","resumeid":"a.b"}}',
    }).state;
    const internal = { kind: 'internal' as const, userId: '' };
    state = machine.step(state, { kind: 'session-resumed', outcome: { ...facts, identity: internal } }).state;
    const recipient = brandAs<SessionId>('v');
    const virtuals = new Map([[recipient, { chosenId: 'chosen', roomId: 'r' }]]);
    state = machine.step(state, { kind: 'virtuals-changed', virtuals }).state;
    const told = (roomName: string, change: 'invited' | 'disinvited', to = recipient) => {
      const event = { kind: 'room-list' as const, change, roomName, recipient: to };
      const { effects } = machine.step(state, { kind: 'delivered', event, position: { session: 1 } });
      return effects.map((effect) =>
        effect.kind === 'send' ? (JSON.parse(effect.frame.text) as object) : effect.kind,
      );
    };
    expect(told('r', 'disinvited')).toEqual([
      {
        type: 'control',
        control: {
          sender: { type: 'session', sessionid: 'v' },
          recipient: { type: 'session', sessionid: 'chosen' },
          data: { type: 'hangup', hangup: { reason: 'disinvited' } },
        },
      },
    ]);
    expect([
      told('other', 'disinvited'),
      told('r', 'invited'),
      told('r', 'disinvited', brandAs<SessionId>('gone')),
    ]).toEqual([['mark'], ['mark'], ['mark']]);
  });

  test('what came for a session whose resume failed in the end is not told to the next one of the connection', () => {
    const machine = new SignalingMachine({ version: '1' });
    const resume = { id: '1', type: 'hello', hello: { version: '1.0', resumeid: 's.r' } };
    const event = { kind: 'announcement', data: { type: 'chat', chat: { refresh: true } } } as const;
    let state = machine.initial();
    const take = (next: Input) => {
      const step = machine.step(state, next);
      state = step.state;
      return step.effects.flatMap((effect) =>
        effect.kind === 'send' ? [JSON.parse(effect.frame.text) as unknown] : [],
      );
    };
    const hello = () => take({ kind: 'frame', text: JSON.stringify(resume) });
    take({ kind: 'opened' });
    hello();
    take({ kind: 'delivered', event, position: { session: 1 } });
    expect(take({ kind: 'session-resumed', outcome: refused })).toMatchObject([{ type: 'error' }]);
    hello();
    expect(take({ kind: 'session-resumed', outcome: facts })).toMatchObject([{ type: 'hello' }]);
  });

  test('receivers of one event share one frame', () => {
    const machine = new SignalingMachine({ version: '1' });
    const event = { kind: 'left' as const, sessionIds: [] };
    const receiver = { roomId: 'r', internal: false, hidesNames: false, chatRelay: false };
    expect(machine.frames.of(event, receiver)).toBe(machine.frames.of(event, { ...receiver, roomId: 'other' }));
  });
});

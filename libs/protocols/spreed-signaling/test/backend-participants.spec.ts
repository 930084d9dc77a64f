import { brandAs, type JsonObject, type SessionId } from '@parley/domain';
import { callFlagsOf, foreignIdsIn, isInCall, listedUsers, translateEntries } from '../src';

const id = (text: string) => brandAs<SessionId>(text);

describe('participants', () => {
  const known = new Map([
    ['nc/a', id('A')],
    ['nc/b', id('B')],
  ]);

  test('ids are translated; who has no session here is dropped; permissions stay inside', () => {
    const given: JsonObject[] = [
      { sessionId: 'nc/b', inCall: 7, permissions: ['control'], nextcloudSessionId: 'nc/b' },
      { sessionId: '0', userId: 'nobody' },
      { sessionId: 'gone' },
      { userId: 'without' },
      { sessionid: 'nc/a', inCall: true, permissions: ['control', 5] },
    ];
    expect(foreignIdsIn(given, given)).toEqual(['nc/b', 'gone', 'nc/a']);
    expect(translateEntries(given, known)).toEqual([
      {
        sessionId: 'B',
        inCall: 7,
        permissions: ['control'],
        user: { sessionId: 'B', inCall: 7, nextcloudSessionId: 'nc/b' },
      },
      { sessionId: 'A', inCall: 1, permissions: undefined, user: { sessionId: 'A', inCall: true } },
    ]);
  });

  test('who changed without being listed comes last', () => {
    const users = translateEntries([{ sessionId: 'nc/b', n: 1 }], known);
    const changed = translateEntries(
      [
        { sessionId: 'nc/a', n: 2 },
        { sessionId: 'nc/b', n: 3 },
      ],
      known,
    );
    expect(listedUsers(users, changed)).toEqual([
      { sessionId: 'B', n: 1 },
      { sessionId: 'A', n: 2 },
    ]);
  });

  test.each([
    [true, 1],
    [false, 0],
    [0, 0],
    [1, 1],
    [2, 2],
    [3.9, 3],
    [0.9, 0],
    [1e300, undefined],
    ['1', undefined],
    [null, undefined],
    [{}, undefined],
    [undefined, undefined],
  ])('in-call state %p is %p', (given, flags) => expect(callFlagsOf(given)).toBe(flags));

  test.each([
    [undefined, false],
    [0, false],
    [1, true],
    [2, false],
    [7, true],
    [-1, true],
  ])('flags %p mean being in the call: %p', (flags, inCall) => expect(isInCall(flags)).toBe(inCall));
});

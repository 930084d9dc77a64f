import { leadsToRegion, passes, troubleOf } from './moving-on';
import { ParleyError } from './parley-error';

const switchTo = (switchto: unknown) => ({ target: 'room', type: 'switchto', switchto });

it('an event leads to a region when it names one; other rooms are for apps to go to', () => {
  const details = { region: 'us-1', url: 'wss://rt.us.test/spreed' };
  expect(leadsToRegion(switchTo({ roomid: 'a.test/lobby', details }))).toBe(true);
  expect(leadsToRegion(switchTo({ roomid: 'a.test/lobby', details: { region: 'us-1' } }))).toBe(true);
  const others = [
    switchTo({ roomid: 'break-out' }),
    switchTo({ roomid: 'break-out', details: { why: 'later' } }),
    switchTo({ roomid: 'break-out', details: { region: 5 } }),
    switchTo('us-1'),
    { target: 'room', type: 'join', switchto: { details } },
    { target: 'roomlist', type: 'switchto', switchto: { details } },
  ];
  expect(others.map(leadsToRegion)).toEqual(others.map(() => false));
});

it('who follows a room is patient until it is open there; nobody else tries to open one that was closed', () => {
  for (const code of ['unreachable', 'unavailable', 'domain_moving', 'rate_limited']) {
    expect([passes({ code, facts: {} }, false), passes({ code, facts: {} }, true)]).toEqual([true, true]);
  }
  for (const code of ['wrong_region', 'room_not_found', 'room_reserved', 'room_booked', 'room_closing']) {
    expect([passes({ code, facts: {} }, false), passes({ code, facts: {} }, true)]).toEqual([false, true]);
  }
  for (const code of ['room_full', 'room_locked', 'wrong_password', 'entry_not_allowed', 'failed']) {
    expect([passes({ code, facts: {} }, false), passes({ code, facts: {} }, true)]).toEqual([false, false]);
  }
  for (const status of [408, 429, 500, 502, 503, 504])
    expect(passes({ code: 'unreadable', facts: { status } }, false)).toBe(true);
  for (const status of [400, 403, 404, 409, 421])
    expect(passes({ code: 'unreadable', facts: { status } }, true)).toBe(false);
  expect(troubleOf(new Error('a bug'))).toEqual({ code: 'failed', facts: {} });
  expect(troubleOf(new ParleyError('room_full', 'Full.', { status: 409 }))).toMatchObject({ code: 'room_full' });
});

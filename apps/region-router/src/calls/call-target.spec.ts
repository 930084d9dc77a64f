import { targetOf } from './call-target';

const join = (room: unknown) => targetOf({ kind: 'join' }, Buffer.from(JSON.stringify({ room })));

it('a join names its domain in front of the first slash', () => {
  expect(join('EU.example/a/b')).toEqual({ kind: 'domain', domain: 'eu.example' });
});

it.each(['', '/', 'eu.example', 'a\0b/x', '\ud800/x', 'a b/x', `${'a.'.repeat(200)}a/x`, 7, null])(
  'what cannot be a domain is asked of no directory: %j',
  (room) => expect(join(room)).toEqual({ kind: 'unknown' }),
);

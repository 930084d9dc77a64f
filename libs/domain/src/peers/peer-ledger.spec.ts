import fc from 'fast-check';
import { brandAs, type SessionId } from '../kernel/ids';
import type { PeerChange, Presence } from './live-peers';
import { PeerLedger } from './peer-ledger';
import type { ToldPeer } from './peer-store';

const presence = (name: string, order: number, changes: Partial<Presence> = {}): Presence => ({
  sessionId: brandAs<SessionId>(name),
  order,
  role: 'guest',
  userId: '',
  ...changes,
});
const came = (name: string, order: number): PeerChange => ({ kind: 'joined', presence: presence(name, order) });
const left = (name: string, order: number, at = order + 1): PeerChange => ({
  kind: 'left',
  sessionId: brandAs<SessionId>(name),
  order,
  at: new Date(at),
});
const told = (name: string, order: number): ToldPeer => ({
  sessionId: brandAs<SessionId>(name),
  order,
  facts: { id: name },
});
const lines = ({ events }: PeerLedger) =>
  events.map(({ type, facts, occurredAt }) => `${type} ${facts.id} ${occurredAt.getTime()}`);

function after(before: readonly ToldPeer[], ...changes: PeerChange[]): PeerLedger {
  const ledger = new PeerLedger(before);
  for (const change of changes) ledger.follow(change);
  return ledger;
}

describe('the ledger of peers', () => {
  it('tells of those who come and go, and of hosts beside', () => {
    const ledger = new PeerLedger([]);
    ledger.follow({ kind: 'joined', presence: presence('ann', 1, { role: 'host', userId: 'u', displayName: 'Ann' }) });
    ledger.follow(came('bob', 2));
    ledger.follow(left('ann', 1, 9));
    const facts = { id: 'ann', userId: 'u', name: 'Ann', isHost: true };
    expect(ledger.events).toEqual([
      { type: 'peer.joined', facts, occurredAt: new Date(1) },
      { type: 'host.joined', facts, occurredAt: new Date(1) },
      { type: 'peer.joined', facts: { id: 'bob' }, occurredAt: new Date(2) },
      { type: 'peer.left', facts, occurredAt: new Date(9) },
    ]);
    expect(ledger.difference()).toEqual({ came: [told('bob', 2)], gone: [] });
  });

  it('tells nothing twice, whatever it is shown again', () => {
    const ledger = after(
      [told('ann', 1)],
      came('ann', 1),
      left('bob', 2),
      came('bob', 3),
      came('bob', 3),
      left('bob', 2),
    );
    expect(lines(ledger)).toEqual(['peer.joined bob 3']);
  });

  it('tells of a going that was missed when somebody comes again', () => {
    const ledger = after([told('ann', 1)], came('ann', 5));
    expect(lines(ledger)).toEqual(['peer.left ann 5', 'peer.joined ann 5']);
    expect(ledger.difference()).toEqual({ came: [told('ann', 5)], gone: ['ann'] });
    // Nor does it hear of a going that is later than what it knows.
    expect(lines(after([told('ann', 1)], left('ann', 5)))).toEqual(['peer.left ann 6']);
  });

  it('agrees with who is in', () => {
    const ledger = after([told('ann', 1), told('bob', 2), told('eve', 3)]);
    ledger.agree([presence('ann', 1), presence('bob', 4), presence('joe', 5)], new Date(10));
    expect(lines(ledger)).toEqual(['peer.left bob 10', 'peer.left eve 10', 'peer.joined bob 4', 'peer.joined joe 5']);
    ledger.end(new Date(11));
    expect(lines(ledger).slice(4)).toEqual(['peer.left ann 11', 'peer.left bob 11', 'peer.left joe 11']);
    expect(ledger.difference()).toEqual({ came: [], gone: ['ann', 'bob', 'eve'] });
  });

  it('sends away who came since it was opened', () => {
    const ledger = after([told('ann', 1)], came('bob', 2));
    ledger.dismissNewcomers(new Date(9));
    expect(lines(ledger)).toEqual(['peer.joined bob 2', 'peer.left bob 9']);
  });

  it('tells everybody to come and to go in turn, and its difference is what it told', () => {
    const name = fc.constantFrom<string>('ann', 'bob', 'eve');
    const order = fc.integer({ min: 1, max: 6 });
    const change = fc.oneof(
      fc.tuple(name, order).map(([who, at]) => came(who, at)),
      fc.tuple(name, order).map(([who, at]) => left(who, at)),
    );
    const roster = fc.uniqueArray(fc.tuple(name, order), { selector: ([who]) => who });
    fc.assert(
      fc.property(roster, fc.array(change), fc.option(roster), (before, changes, present) => {
        const ledger = after(
          before.map(([who, at]) => told(who, at)),
          ...changes,
        );
        if (present)
          ledger.agree(
            present.map(([who, at]) => presence(who, at)),
            new Date(99),
          );
        const inside = new Map(before.map(([who]) => [who, true]));
        for (const { type, facts } of ledger.events) {
          expect(inside.get(facts.id) ?? false).toBe(type === 'peer.left');
          inside.set(facts.id, type !== 'peer.left');
        }
        const rows = new Set(before.map(([who]) => who));
        const { came: added, gone } = ledger.difference();
        for (const who of gone) rows.delete(who);
        for (const { sessionId } of added) rows.add(sessionId);
        expect([...rows].sort()).toEqual([...inside].flatMap(([who, isIn]) => (isIn ? [who] : [])).sort());
        if (present) expect([...rows].sort()).toEqual(present.map(([who]) => who).sort());
      }),
    );
  });
});

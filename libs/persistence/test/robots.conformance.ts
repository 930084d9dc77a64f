import { brandAs, connectKeyHash, keyMarkOf, regionNumberOf, type DomainName, type RobotId } from '@parley/domain';
import type { StoresUnderTest } from './stores-under-test';

const now = new Date(Date.UTC(2026, 10, 21, 12));
const [first, second] = [connectKeyHash('first'), connectKeyHash('second')];

/** What every implementation promises of robots. */
export function robotTests(db: () => StoresUnderTest): void {
  const insert = (name: string, keyHash = first) =>
    db().uow.run((stores) => stores.robots.insert({ domain: db().domain, name }, keyHash, now));

  it('gives each an id that carries the region, and finds and lists them', async () => {
    const [one, two] = [await insert('one'), await insert('two')];
    expect(one).toEqual({ id: one.id, domain: db().domain, name: 'one', createdAt: now });
    expect(two.id).toBeGreaterThan(one.id);
    expect(regionNumberOf(one.id)).toBe(1);
    await db().uow.run(async ({ robots }) => {
      expect(await robots.find(one.id)).toEqual(one);
      expect(await robots.list([db().domain])).toEqual([one, two]);
      expect(await robots.list([brandAs<DomainName>('elsewhere.example')])).toEqual([]);
      expect(await robots.list([])).toEqual([]);
      for (const id of [-1, 1.5, Number.NaN, 2 ** 60, one.id + 5]) {
        expect(await robots.find(brandAs<RobotId>(id))).toBeNull();
        expect(await robots.remove(brandAs<RobotId>(id), now)).toBe(false);
        expect(await robots.byKey(brandAs<RobotId>(id), first)).toBeNull();
      }
    });
  });

  it('knows each by its own key, and by the newest one only', async () => {
    const [one, two] = [await insert('one'), await insert('two', second)];
    await db().uow.run(async ({ robots }) => {
      expect(await robots.byKey(one.id, first)).toEqual({ ...one, keyMark: keyMarkOf(first) });
      expect(await robots.byKey(one.id, second)).toBeNull();
      expect(await robots.keyMarks([one.id, two.id])).toEqual(
        new Map([
          [one.id, keyMarkOf(first)],
          [two.id, keyMarkOf(second)],
        ]),
      );
      expect(await robots.replaceKey(one.id, second)).toBe(true);
      expect(await robots.byKey(one.id, first)).toBeNull();
      expect((await robots.keyMarks([one.id])).get(one.id)).toBe(keyMarkOf(second));
    });
  });

  it("removes one with its webhooks and nobody else's", async () => {
    const [one, two] = [await insert('one'), await insert('two')];
    const hook = (robotId: number) =>
      db().uow.run((stores) =>
        stores.webhooks.insert({ domain: db().domain, roomName: null, target: { type: 'robot', robotId } }, now),
      );
    const [its, other] = [await hook(one.id), await hook(two.id)];
    expect(await db().uow.run(({ robots }) => robots.remove(one.id, now))).toBe(true);
    await db().uow.run(async ({ robots, webhooks }) => {
      expect(await robots.remove(one.id, now)).toBe(false);
      expect(await robots.replaceKey(one.id, second)).toBe(false);
      expect(await robots.find(one.id)).toBeNull();
      expect(await robots.byKey(one.id, first)).toBeNull();
      expect(await robots.list([db().domain])).toEqual([two]);
      expect([...(await robots.keyMarks([one.id, two.id])).keys()]).toEqual([two.id]);
      expect(await webhooks.find(its.id)).toBeNull();
      expect(await webhooks.find(other.id)).toEqual(other);
    });
  });
}

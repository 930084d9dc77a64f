import { brandAs, type DomainHome, type RegionId } from '@parley/domain';
import { type Owner, RegionSilent, Residency, type Thing } from './residency';

const [eu, us, ap] = ['eu-1', 'us-1', 'ap-1'].map((id) => brandAs<RegionId>(id)) as [RegionId, RegionId, RegionId];
const HOOK: Thing = { kind: 'webhook', id: '2050' };

function setUp() {
  const state = {
    now: 0,
    strictIn: [us] as readonly RegionId[] | 'down',
    domain: undefined as DomainHome | null | undefined,
    owner: { domain: 'a.example', strict: true } as Owner | null | 'silent',
    asked: [] as string[],
  };
  const directory = {
    strictRegions: async () => {
      if (state.strictIn === 'down') throw new Error('down');
      return state.strictIn;
    },
    domain: async () => {
      if (state.domain === undefined) throw new Error('down');
      return state.domain;
    },
  };
  const ask = async (region: RegionId, { kind, id }: Thing) => {
    state.asked.push(`${region} ${kind} ${id}`);
    if (state.owner === 'silent') throw new RegionSilent(region, new Error('x'));
    return state.owner;
  };
  return { state, residency: new Residency(directory, eu, ask, () => state.now) };
}

const home = (region: RegionId, strictResidency: boolean): DomainHome => ({ region, strictResidency, epoch: 1 });

describe('Residency', () => {
  it('asks nobody where no strictly resident domain is at home, nor about this region', async () => {
    const { state, residency } = setUp();
    state.strictIn = [ap, eu];
    expect(await residency.strictHomeOf(us, HOOK)).toBeUndefined();
    expect(await residency.strictHomeOf(eu, HOOK)).toBeUndefined();
    expect([await residency.mayBeIn(us), await residency.mayBeIn(eu), await residency.mayBeIn(ap)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(state.asked).toEqual([]);
  });

  it('asks, rather than believes that there is none, while the directory is down', async () => {
    const { state, residency } = setUp();
    state.strictIn = 'down';
    expect(await residency.mayBeIn(us)).toBe(true);
    expect(await residency.strictHomeOf(us, HOOK)).toEqual({ kind: 'region', region: us, strict: true });
  });

  it('asks once a minute', async () => {
    const { state, residency } = setUp();
    for (const now of [0, 30_000, 59_999]) {
      state.now = now;
      await residency.strictHomeOf(us, HOOK);
    }
    expect(state.asked).toEqual(['us-1 webhook 2050']);
    state.now = 60_000;
    state.owner = null;
    expect(await residency.strictHomeOf(us, HOOK)).toBeUndefined();
    expect(state.asked).toHaveLength(2);
    await residency.strictHomeOf(us, { kind: 'robot', id: '2050' });
    expect(state.asked).toHaveLength(3);
  });

  it.each([
    ['strict at home', { domain: 'a.example', strict: true }, undefined, us],
    ['not strict at home', { domain: 'a.example', strict: false }, undefined, undefined],
    ['nobody has it', null, home(us, true), undefined],
    ['moved on', { domain: 'a.example', strict: false }, home(ap, true), ap],
    ['made strict since', { domain: 'a.example', strict: false }, home(us, true), us],
    ['no more strict', { domain: 'a.example', strict: true }, home(us, false), undefined],
    ['a name that is none', { domain: 'a b', strict: true }, undefined, undefined],
  ])('%s', async (_what, owner, domain, expected) => {
    const { state, residency } = setUp();
    Object.assign(state, { owner, domain });
    expect((await residency.strictHomeOf(us, HOOK))?.region).toBe(expected);
  });

  it('says which region is silent, and remembers nothing of it', async () => {
    const { state, residency } = setUp();
    state.owner = 'silent';
    await expect(residency.strictHomeOf(us, HOOK)).rejects.toMatchObject({ name: 'RegionSilent', region: us });
    state.owner = null;
    expect(await residency.strictHomeOf(us, HOOK)).toBeUndefined();
  });
});

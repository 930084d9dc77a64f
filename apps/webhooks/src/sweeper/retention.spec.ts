import { Retention } from './retention';

const FULL = 200;

/** Upkeep that finds these one after the other, then nothing. */
function retentionThat(
  ...found: ReadonlyArray<{ expired?: number; events?: number; validations?: number; removed?: number }>
) {
  const left = [...found];
  const counted: string[] = [];
  let now: (typeof found)[number] = {};
  const retention = new Retention({
    upkeep: {
      expire: async () => {
        now = left.shift() ?? {};
        return now.expired ?? 0;
      },
      deleteOld: async () => ({ events: now.events ?? 0, validations: now.validations ?? 0 }),
      deleteRemoved: async () => now.removed ?? 0,
    },
    metrics: { swept: (kind, count) => void (count > 0 && counted.push(`${kind} ${count}`)) },
    logger: { info: () => undefined },
  });
  return { retention, counted };
}

test.each(['expired', 'events', 'validations', 'removed'])('goes on while a step was full of %s', async (kind) => {
  const { retention } = retentionThat({ [kind]: FULL }, { [kind]: FULL - 1 });
  expect([await retention.step(), await retention.step()]).toEqual([true, false]);
});

test('counts what it did', async () => {
  const { retention, counted } = retentionThat({ expired: 1, events: 2, validations: 3, removed: 4 });
  expect(await retention.step()).toBe(false);
  expect(counted).toEqual(['expired_delivery 1', 'old_event 2', 'old_validation 3', 'old_removed 4']);
});

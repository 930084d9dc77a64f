import { type AccountId, brandAs, type WebhookId } from '@parley/domain';
import { DispatcherValidator, MOST_WAITING } from './dispatcher-validator';

const [one, two] = [brandAs<AccountId>('acc_one'), brandAs<AccountId>('acc_two')];
const ID = brandAs<WebhookId>(1025);

/** A validator whose webhooks have this outcome, and the ids it woke the dispatcher for. */
function setUp(outcome: () => { validated: boolean } | null) {
  const woken: WebhookId[] = [];
  const trouble: unknown[] = [];
  const validator = new DispatcherValidator(
    { handshakeOutcome: async () => outcome() },
    async (id) => void woken.push(id),
    { now: () => new Date() },
    (error) => trouble.push(error),
  );
  return { validator, woken, trouble };
}

test('the outcome is waited for', async () => {
  let looks = 0;
  const { validator, woken } = setUp(() => ((looks += 1) < 3 ? null : { validated: true }));
  expect(await validator.requestAndWait(one, ID, 60_000)).toBe(true);
  expect([woken, looks]).toEqual([[ID], 3]);
});

test('when the time is up, and when nobody can be asked, it is not validated', async () => {
  expect(await setUp(() => null).validator.requestAndWait(one, ID, 0)).toBe(false);
  const { validator, trouble } = setUp(() => {
    throw new Error('away');
  });
  expect(await validator.requestAndWait(one, ID, 60_000)).toBe(false);
  expect(trouble).toHaveLength(1);
});

test('calls of one account beyond many are not waited for; the dispatcher is woken for them all the same', async () => {
  let outcome: { validated: boolean } | null = null;
  const { validator, woken } = setUp(() => outcome);
  const wait = (account: AccountId) => validator.requestAndWait(account, ID, 60_000);
  const waiting = Array.from({ length: MOST_WAITING }, () => wait(one));
  expect(await wait(one)).toBe(false);
  const another = wait(two);
  expect(woken).toHaveLength(MOST_WAITING + 2);
  outcome = { validated: true };
  expect(await Promise.all([...waiting, another])).toEqual(Array.from({ length: MOST_WAITING + 1 }, () => true));
  // Its places are free again.
  expect(await wait(one)).toBe(true);
});

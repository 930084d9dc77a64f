import { eventually } from '@parley/testing';
import { foreignIdOf, isUpdate } from './backend-poster';
import { TalkHouse } from './talk-house';

/** What operators read at `/metrics` about calls and limits. */
const house = new TalkHouse();
const { newToken, newUser } = house;

beforeAll(() => house.start());
afterEach(() => house.sendEverybodyHome());
afterAll(() => house.close());

test('figures about calls: who is in one, how many joined, how many calls', async () => {
  const token = newToken();
  const ada = await house.talk.member(house.one, newUser('ada'), token);
  const bob = await house.talk.member(house.one, newUser('bob'), token);
  const figure = async (name: string, labels: string) => {
    const text = await (await fetch(`${house.one.url}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(labels));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const people = 'backend="talk",clienttype="client"';
  const before = await figure('signaling_call_sessions_total', people);
  const calls = await figure('signaling_call_rooms_total', 'backend="talk"');
  const users = [ada, bob].map((client) => ({ sessionId: foreignIdOf(client), inCall: 7 }));
  await house.postTo('two')(token, 'incall', { incall: 7, changed: users, users });
  await bob.expect(isUpdate);
  await ada.expect(isUpdate);
  const becomes = (name: string, labels: string, value: number) =>
    eventually(
      async () => (await figure(name, labels)) === value,
      async () => `${name} to be ${value}, not ${await figure(name, labels)}`,
    );
  await becomes('signaling_call_sessions', people, 2);
  await becomes('signaling_call_sessions_total', people, before + 2);
  await becomes('signaling_call_rooms_total', 'backend="talk"', calls + 1);
  await house.postTo('two')(token, 'incall', { incall: 0, all: true });
  await ada.expect(isUpdate);
  await bob.expect(isUpdate);
  await becomes('signaling_call_sessions', people, 0);
});

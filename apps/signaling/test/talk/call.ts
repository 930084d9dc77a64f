import type { TalkWebClient } from './talk-web-client';

const same = (left: readonly string[], right: readonly string[]) =>
  JSON.stringify([...left].sort()) === JSON.stringify([...right].sort());

/** Waits until everybody is connected with everybody else; of each pair the one must have begun whose id comes first. */
export async function callStands(people: readonly TalkWebClient[]): Promise<void> {
  for (const one of people) {
    const ids = people.filter((each) => each !== one).map(({ id }) => id);
    await one.until(`the call with ${ids.join(', ')}`, () => same(one.peers.connected, ids));
    expect([...one.peers.offeredTo].sort()).toEqual(ids.filter((id) => one.id < id).sort());
  }
}

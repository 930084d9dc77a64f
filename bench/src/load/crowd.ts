import { LoadClient } from './client';
import type { Order, Scenario } from './orders';
import type { Lane } from './traffic';

/** How many clients connect at the same time. */
const AT_ONCE = 16;
/** How many members of a room talk at the same time. */
const TALKERS = 4;

/** All clients of one load process. */
export class Crowd {
  private readonly clients: LoadClient[] = [];
  private rooms: LoadClient[][] = [];
  private named = 0;

  /** Clients go to the servers in turn: neighbours in the list are on different ones. */
  async connect({ servers, backendUrl, count }: Extract<Order, { kind: 'connect' }>): Promise<void> {
    const first = this.named;
    this.named += count;
    const connected = await inTurns(count, (index) => {
      const url = servers[(first + index) % servers.length];
      if (url === undefined) throw new Error('no server to connect to');
      return LoadClient.connect(url, backendUrl, `u${first + index}`);
    });
    this.clients.push(...connected);
  }

  async join(roomSize: number): Promise<void> {
    this.rooms = [];
    for (let start = 0; start + roomSize <= this.clients.length; start += roomSize) {
      this.rooms.push(this.clients.slice(start, start + roomSize));
    }
    for (const [number, members] of this.rooms.entries()) {
      // One after the other is slow, all at once makes each join a snapshot of another size.
      await inTurns(members.length, (index) => members[index]?.join(`bench${number}`) ?? Promise.resolve());
    }
  }

  async disconnect(count: number): Promise<void> {
    await Promise.all(this.clients.splice(-count).map((client) => client.close()));
  }

  /** Pairs that talk both ways, on different servers where there are two; or some members of each room. */
  lanes(scenario: Scenario): Lane[] {
    if (scenario === 'room') {
      return this.rooms.flatMap((members) =>
        members.slice(0, TALKERS).map((sender) => ({ sender, receivers: members.filter((other) => other !== sender) })),
      );
    }
    const lanes: Lane[] = [];
    for (let index = 0; index + 1 < this.clients.length; index += 2) {
      const [one, other] = this.clients.slice(index, index + 2);
      if (one && other) lanes.push({ sender: one, receivers: [other] }, { sender: other, receivers: [one] });
    }
    return lanes;
  }
}

async function inTurns<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) done[index] = await work(index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return done;
}

import type { TransportName } from '@parley/testing';

/** How many replicas there are, and how clients reach them. */
export interface Layout {
  readonly replicas: 1 | 2;
  readonly transport: TransportName;
}

/** One cluster or several, as a layout asks for. */
export interface Arrangeable {
  arrange(layout: Layout): Promise<void>;
  sendEverybodyHome(): Promise<void>;
  close(): Promise<void>;
}

// One replica comes first, so that the second one is started once.
const WEBSOCKET: readonly Layout[] = [
  { replicas: 1, transport: 'websocket' },
  { replicas: 2, transport: 'websocket' },
];
const EVERY: readonly Layout[] = [
  { replicas: 1, transport: 'websocket' },
  { replicas: 1, transport: 'socket.io' },
  { replicas: 2, transport: 'websocket' },
  { replicas: 2, transport: 'socket.io' },
];
const WITH_POLLING: readonly Layout[] = [...EVERY, { replicas: 2, transport: 'socket.io-polling' }];

/** Runs dialogues on one replica and on two, over WebSocket and over Socket.IO. Most of the conformance list. */
export function inEveryLayout(house: Arrangeable, dialogues: () => void): void {
  inLayouts(EVERY, house, dialogues);
}

/** As {@link inEveryLayout}, and over long polling across two replicas besides. */
export function inEveryLayoutAndPolling(house: Arrangeable, dialogues: () => void): void {
  inLayouts(WITH_POLLING, house, dialogues);
}

/** Runs dialogues on one replica and on two, over WebSocket: about close codes, bytes and headers, or without clients. */
export function overWebSocket(house: Arrangeable, dialogues: () => void): void {
  inLayouts(WEBSOCKET, house, dialogues);
}

/** Runs dialogues that are about two replicas, e.g. because one goes away. */
export function onTwoReplicas(house: Arrangeable, dialogues: () => void): void {
  inLayouts([{ replicas: 2, transport: 'websocket' }], house, dialogues);
}

function inLayouts(layouts: readonly Layout[], house: Arrangeable, dialogues: () => void): void {
  for (const layout of layouts) {
    describe(`${layout.replicas === 1 ? 'one replica' : 'two replicas'}, ${layout.transport}`, () => {
      beforeAll(() => house.arrange(layout));
      afterEach(() => house.sendEverybodyHome());
      dialogues();
    });
  }
  // Of the file: another part of it may go on with the house. Closing it twice does no harm.
  afterAll(() => house.close());
}

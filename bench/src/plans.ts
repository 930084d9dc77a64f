import type { Plan } from './measure';

/** About eight minutes with all four targets on two cores. */
export const FULL: Plan = {
  rounds: 3,
  clients: 200,
  roomSize: 100,
  idleClients: 600,
  payloadBytes: 200,
  window: { session: 2, room: 4 },
  perSecond: { session: 2_000, room: 80 },
  warmUpMs: 3_000,
  measureMs: 5_000,
};

/** One short round, when something is being changed. */
export const QUICK: Plan = { ...FULL, rounds: 1, idleClients: 200, warmUpMs: 2_000, measureMs: 4_000 };

/** Shows in seconds that the bench itself works; its figures mean nothing. */
export const SMOKE: Plan = {
  ...QUICK,
  clients: 8,
  roomSize: 4,
  idleClients: 4,
  perSecond: { session: 100, room: 20 },
  warmUpMs: 200,
  measureMs: 500,
};

import type { Provider, Type } from '@nestjs/common';
import { brandAs, cryptoIds, type RegionId, RoomService } from '@parley/domain';
import { createDatabase, createDirectory, createMoving, createOwners, type Moving } from '@parley/persistence';
import { every, InternalAuth, RegionBook, RegionLetters, type ServiceKit } from '@parley/server-kit';
import type { ApiConfig } from '../config';
import { type Machines, SYSTEM_CLOCK } from '../machines';
import { LettersController } from './letters.controller';
import { HttpOtherRegions } from './other-regions';
import { RoomClearing } from './room-clearing';
import { LETTER_CLOCK, MOVING, OWNERS } from './tokens';

/** How often regions that lack the newest record of an account are given it. */
const CATCH_UP_MS = 5_000;

/** Connections for moves: they do not stand in line with those whom a move keeps waiting. */
const MOVING_CONNECTIONS = 4;

/** What regions give each other. */
export interface RegionParts {
  readonly moving: Moving;
  /** The regions as this one knows them. */
  readonly book: RegionBook;
  readonly providers: readonly Provider[];
  close(): Promise<void>;
}

export const REGION_CONTROLLERS: readonly Type[] = [LettersController];

export function createRegionParts(
  config: ApiConfig,
  { logger }: ServiceKit,
  machines: Pick<Machines, 'database' | 'live' | 'wakeDispatcher'>,
): RegionParts {
  const directory = createDirectory({ url: config.DIRECTORY_DATABASE_URL ?? config.DATABASE_URL, poolSize: 2 });
  const book = new RegionBook({ rows: config.PARLEY_REGIONS, directory, logger });
  const letters = new RegionLetters(config.PARLEY_INTERNAL_SECRET);
  const others = new HttpOtherRegions({
    own: brandAs<RegionId>(config.PARLEY_REGION),
    regions: book,
    auth: new InternalAuth(config.PARLEY_INTERNAL_SECRET),
    letters,
    clock: SYSTEM_CLOCK,
  });
  const ownWay = openOwnWay(config, machines);
  const clearing = new RoomClearing({
    store: ownWay.stores.rooms,
    rooms: new RoomService(ownWay.movingUow, machines.live.rooms, SYSTEM_CLOCK, cryptoIds),
    sessions: machines.live.sessions,
    regions: book,
  });
  const moving = createMoving(ownWay, directory, {
    others,
    closeRooms: (domain, to) => clearing.clear(domain, to),
    onLag: (region, error) => logger.warn({ region, err: error }, 'a region lacks the newest record of an account'),
    clock: SYSTEM_CLOCK,
  });
  // An outage of the database or the directory is told by readiness.
  const catchUp = () =>
    moving.accounts.catchUp().catch((error: unknown) => logger.debug({ err: error }, 'no catching up'));
  const loop = every('give accounts to regions', CATCH_UP_MS, catchUp, logger);
  return {
    moving,
    book,
    providers: [
      { provide: MOVING, useValue: moving },
      { provide: OWNERS, useValue: createOwners(machines.database) },
      { provide: LETTER_CLOCK, useValue: SYSTEM_CLOCK },
      { provide: RegionLetters, useValue: letters },
    ],
    close: async () => {
      await Promise.all([loop.close(), book.close()]);
      await Promise.all([directory.close(), ownWay.close()]);
    },
  };
}

/** The region's database once more. */
function openOwnWay(config: ApiConfig, { database, wakeDispatcher }: Pick<Machines, 'database' | 'wakeDispatcher'>) {
  return createDatabase({
    url: config.DATABASE_URL,
    masterKeys: config.PARLEY_MASTER_KEYS,
    region: database.region,
    poolSize: MOVING_CONNECTIONS,
    wakeRelay: wakeDispatcher,
  });
}

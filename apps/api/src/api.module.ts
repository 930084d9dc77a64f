import { type DynamicModule, Module, type Provider, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ClientAddresses } from '@parley/server-kit';
import { JoinController } from './join/join.controller';
import { JoinService } from './join/join.service';
import { NearestRegions } from './join/nearest-regions';
import { REGION_CONTROLLERS, type RegionParts } from './regions/region-parts';
import { OPEN_ROBOT_CONTROLLERS, ROBOT_CONTROLLERS } from './robots/robot-parts';
import { AccountGuard } from './v1/account-guard';
import { ACCOUNT_CONTROLLERS, type AccountParts } from './v1/account-parts';
import { XroomController } from './xroom/xroom.controller';
import { XroomEndpoint } from './xroom/xroom.endpoint';

/** What the api's controllers call. */
export interface ApiParts {
  readonly xroom: XroomEndpoint;
  readonly joins: JoinService;
  readonly nearest: NearestRegions;
  readonly accounts: AccountParts;
  readonly robots: readonly Provider[];
  readonly regions: RegionParts;
}

/** Controllers that look after who calls themselves. */
const OPEN: readonly Type[] = [XroomController, JoinController, ...OPEN_ROBOT_CONTROLLERS, ...REGION_CONTROLLERS];

/** The api's outside: the xroom API, `/join` and the REST API of accounts. */
@Module({})
export class ApiModule {
  static with(parts: ApiParts): DynamicModule {
    const { authenticator, providers } = parts.accounts;
    return {
      module: ApiModule,
      controllers: [...OPEN, ...ACCOUNT_CONTROLLERS, ...ROBOT_CONTROLLERS],
      providers: [
        { provide: XroomEndpoint, useValue: parts.xroom },
        { provide: JoinService, useValue: parts.joins },
        { provide: NearestRegions, useValue: parts.nearest },
        ...providers,
        ...parts.robots,
        ...parts.regions.providers,
        {
          provide: APP_GUARD,
          inject: [ClientAddresses],
          useFactory: (clients: ClientAddresses) => new AccountGuard(authenticator, clients, new Set(OPEN)),
        },
      ],
    };
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { AdminStore } from '@parley/persistence';
import { KeysOfAccountsController } from './account-keys.controller';
import { AccountsController } from './accounts.controller';
import { AuditController } from './audit.controller';
import { BackendsController } from './backends.controller';
import { BearerGuard } from './bearer';
import { DomainsController } from './domains.controller';
import { KeysController } from './keys.controller';
import type { RegionParts } from '../regions/region-parts';
import { MOVING, REGION_BOOK } from '../regions/tokens';
import { AccountRegionsController } from './account-regions.controller';
import { MovesController } from './moves.controller';
import { RegionsController } from './regions.controller';
import { ADMIN_STORE, BACKEND_FOLLOW_UP, type BackendFollowUp, DOMAIN_FOLLOW_UP, type DomainFollowUp } from './tokens';

/** The operator's REST, `/v1/admin`. */
@Module({})
export class AdminModule {
  static with(
    store: AdminStore,
    followUp: BackendFollowUp & DomainFollowUp,
    regions: Pick<RegionParts, 'moving' | 'book'>,
  ): DynamicModule {
    return {
      module: AdminModule,
      controllers: [
        AccountsController,
        KeysOfAccountsController,
        DomainsController,
        BackendsController,
        KeysController,
        AuditController,
        RegionsController,
        MovesController,
        AccountRegionsController,
      ],
      providers: [
        { provide: ADMIN_STORE, useValue: store },
        { provide: MOVING, useValue: regions.moving },
        { provide: REGION_BOOK, useValue: regions.book },
        { provide: BACKEND_FOLLOW_UP, useValue: followUp },
        { provide: DOMAIN_FOLLOW_UP, useValue: followUp },
        // For every route of the module, so that a new one cannot be forgotten.
        { provide: APP_GUARD, useValue: new BearerGuard(store.keys) },
      ],
    };
  }
}

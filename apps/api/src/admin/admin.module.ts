import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { AdminStore } from '@parley/persistence';
import { AccountsController } from './accounts.controller';
import { AuditController } from './audit.controller';
import { BackendsController } from './backends.controller';
import { BearerGuard } from './bearer';
import { DomainsController } from './domains.controller';
import { KeysController } from './keys.controller';
import { ADMIN_STORE, BACKENDS_CHANGED } from './tokens';

/** The operator's REST, `/v1/admin`. */
@Module({})
export class AdminModule {
  /** @param backendsChanged tells the gateways; must not throw */
  static with(store: AdminStore, backendsChanged: () => Promise<void>): DynamicModule {
    return {
      module: AdminModule,
      controllers: [AccountsController, DomainsController, BackendsController, KeysController, AuditController],
      providers: [
        { provide: ADMIN_STORE, useValue: store },
        { provide: BACKENDS_CHANGED, useValue: backendsChanged },
        // For every route of the module, so that a new one cannot be forgotten.
        { provide: APP_GUARD, useValue: new BearerGuard(store.keys) },
      ],
    };
  }
}

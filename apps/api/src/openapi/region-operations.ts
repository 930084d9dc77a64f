import {
  accountRegionsSchema,
  createRegionSchema,
  giveAccountSchema,
  moveDomainSchema,
  movePlanSchema,
  moveStatusSchema,
  planMoveSchema,
  regionListSchema,
  regionSchema,
  updateRegionSchema,
} from '@parley/contracts';
import type { Operation } from './operation';

/** Regions, moving domains and copies of accounts, for operators. */
export const REGION_OPERATIONS: readonly Omit<Operation, 'caller'>[] = [
  {
    id: 'listRegions',
    call: 'GET /v1/admin/regions',
    summary: 'All regions of the directory',
    answer: regionListSchema,
  },
  {
    id: 'addRegion',
    call: 'POST /v1/admin/regions',
    summary: 'Enter a region into the directory',
    body: createRegionSchema,
    answer: regionSchema,
    status: 201,
  },
  {
    id: 'updateRegion',
    call: 'PATCH /v1/admin/regions/{id}',
    summary: 'Change a region, or its state: serving, draining, down',
    body: updateRegionSchema,
    answer: regionSchema,
  },
  {
    id: 'removeRegion',
    call: 'DELETE /v1/admin/regions/{id}',
    summary: 'Forget a region in which no domain is at home',
  },
  {
    id: 'planDomainMove',
    call: 'POST /v1/admin/domains/{name}/move/plan',
    summary: 'What moving a domain to another region would do; changes nothing',
    body: planMoveSchema,
    answer: movePlanSchema,
  },
  {
    id: 'moveDomain',
    call: 'POST /v1/admin/domains/{name}/move',
    summary: 'Move a domain to another region, or go on with it: one step of at most about a second; repeat until done',
    body: moveDomainSchema,
    answer: moveStatusSchema,
  },
  {
    id: 'getDomainMove',
    call: 'GET /v1/admin/domains/{name}/move',
    summary: "How far a domain's move is",
    answer: moveStatusSchema,
  },
  {
    id: 'cancelDomainMove',
    call: 'DELETE /v1/admin/domains/{name}/move',
    summary: 'Take a move back, as long as the domain is at home here',
  },
  {
    id: 'listAccountRegions',
    call: 'GET /v1/admin/accounts/{slug}/regions',
    summary: "Which other regions have an account's record, and whether it is the newest",
    answer: accountRegionsSchema,
  },
  {
    id: 'giveAccountToRegion',
    call: 'POST /v1/admin/accounts/{slug}/regions',
    summary: 'Make an account known in another region, so that it can have domains there',
    body: giveAccountSchema,
    answer: accountRegionsSchema,
  },
];

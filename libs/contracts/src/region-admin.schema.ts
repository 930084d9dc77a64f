import { z } from 'zod';

/** Regions, moving domains and copies of accounts in the operator's REST. */

const time = z.iso.datetime();
const region = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected a name like eu-1');
const base = (...schemes: string[]) =>
  z
    .url({ protocol: new RegExp(`^(${schemes.join('|')})$`) })
    .max(2_048)
    .transform((url) => url.replace(/\/+$/, ''));

const regionSettings = {
  apiUrl: base('http', 'https').describe('Base URL of its front door'),
  signalingUrl: base('ws', 'wss').describe('Base URL of its signaling, without `/spreed`'),
  position: z
    .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
    .nullable()
    .describe('Where it stands, in degrees'),
  group: z.string().min(1).max(63).nullable().describe('Regions of a group stand in for each other first'),
  state: z
    .enum(['serving', 'draining', 'down'])
    .describe('`draining` serves what it has and gets nothing new; `down` is asked nothing at all'),
};

export const createRegionSchema = z
  .strictObject({
    id: region,
    number: z
      .int()
      .min(1)
      .max(1023)
      .describe('Stands in every numeric id that it issues; never used for another region'),
    apiUrl: regionSettings.apiUrl,
    signalingUrl: regionSettings.signalingUrl,
    position: regionSettings.position.default(null),
    group: regionSettings.group.default(null),
    state: regionSettings.state.default('serving'),
  })
  .meta({ id: 'CreateRegion' });

/** What is absent stays as it is. */
export const updateRegionSchema = z.strictObject(regionSettings).partial().meta({ id: 'UpdateRegion' });

export const regionSchema = z
  .strictObject({
    id: region,
    number: z.int(),
    apiUrl: z.string(),
    signalingUrl: z.string(),
    position: regionSettings.position,
    group: z.string().nullable(),
    state: regionSettings.state,
    version: z
      .int()
      .describe('Rises with every change; 0: known from `PARLEY_REGIONS` alone, and not in the directory yet'),
  })
  .meta({ id: 'Region' });
export type RegionView = z.infer<typeof regionSchema>;

export const regionListSchema = z.strictObject({ regions: z.array(regionSchema) }).meta({ id: 'RegionList' });

export const planMoveSchema = z.strictObject({ to: region }).meta({ id: 'PlanMove' });

export const moveDomainSchema = z
  .strictObject({
    to: region.describe('The region that becomes its home'),
    closeRooms: z
      .boolean()
      .default(false)
      .describe('Closes its open rooms and leads those inside there; a domain with open rooms stays otherwise'),
  })
  .meta({ id: 'MoveDomain' });

export const movePlanSchema = z
  .strictObject({
    domain: z.string(),
    from: z.string(),
    to: z.string(),
    rows: z.record(z.string(), z.int()).describe('How much would be copied, by kind'),
    openRooms: z.int(),
    obstacles: z.array(z.string()).describe('Why it would be refused; empty: it can begin'),
  })
  .meta({ id: 'MovePlan' });
export type MovePlanView = z.infer<typeof movePlanSchema>;

export const moveStatusSchema = z
  .strictObject({
    domain: z.string(),
    to: z.string(),
    phase: z.enum(['freezing', 'copying', 'switching', 'deleting', 'done']),
    table: z.string().nullable().describe('What is being copied'),
    rowsDone: z.int(),
    rowsTotal: z.int(),
    waitingFor: z.string().nullable().describe('What has to end before it goes on'),
    startedAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: 'MoveStatus' });
export type MoveStatusView = z.infer<typeof moveStatusSchema>;

export const giveAccountSchema = z.strictObject({ region }).meta({ id: 'GiveAccount' });

export const accountRegionsSchema = z
  .strictObject({
    version: z.int().describe('Of the record here'),
    rotating: z.boolean().describe('A new secret waits for the regions that lag'),
    regions: z.array(z.strictObject({ region: z.string(), version: z.int(), lags: z.boolean() })),
  })
  .meta({ id: 'AccountRegions' });

import { queryDatabase } from '@parley/testing';
import type { TwoRegions, Region } from './two-regions';

/** What makes up the directory. */
const TABLES = ['DirectoryDomain', 'DirectoryHost', 'DirectoryAccount', 'DirectoryRegion', 'MovedId'] as const;

/**
 * Copies of the directory as regions in different places have them, each in its region's own database: `npm start` gives
 * all regions of one machine the same directory. A copy that nobody renews is one that is behind.
 */
export class DirectoryCopies {
  constructor(private readonly world: Pick<TwoRegions, 'parley'>) {}

  /** Brings a region's copy up to date. */
  async renew({ run }: Region): Promise<void> {
    for (const table of TABLES) {
      const rows = await queryDatabase<{ rows: string }>(
        this.world.parley.run.directoryUrl,
        `SELECT coalesce(json_agg(t), '[]')::text AS rows FROM "${table}" t`,
      );
      await queryDatabase(run.postgresUrl, `DELETE FROM "${table}"`);
      const copy = `INSERT INTO "${table}" SELECT * FROM json_populate_recordset(NULL::"${table}", $1::json)`;
      await queryDatabase(run.postgresUrl, copy, [rows[0]?.rows]);
    }
  }

  /** Makes a region's copy say something else of a domain. */
  async say({ run }: Region, name: string, { region, epoch }: { region: string; epoch: number }): Promise<void> {
    await queryDatabase(
      run.postgresUrl,
      `INSERT INTO "DirectoryDomain" (name, region, epoch) VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET region = excluded.region, epoch = excluded.epoch`,
      [name, region, epoch],
    );
  }

  /** Makes a region's copy say where a webhook went with its domain. */
  async sayMoved({ run }: Region, webhook: number, region: string): Promise<void> {
    await queryDatabase(run.postgresUrl, `INSERT INTO "MovedId" (kind, id, region) VALUES ('webhook', $1, $2)`, [
      webhook,
      region,
    ]);
  }
}

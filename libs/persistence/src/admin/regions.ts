import type { Clock, RegionEntry } from '@parley/domain';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import type { NewRegion, RegionChanges } from '../directory/directory-changes';
import { AdminError } from './admin-error';
import { writeAudit } from './audit';

export type { NewRegion, RegionChanges };

/** Regions in the directory, as operators manage them; the audit log is that of the region that was asked. */
export class RegionAdmin {
  constructor(
    private readonly database: Database,
    private readonly directory: DirectoryStore,
    private readonly clock: Clock,
  ) {}

  /** @throws AdminError taken (the id or the number) */
  async add(actor: string, region: NewRegion): Promise<RegionEntry> {
    if (!(await this.directory.changes.addRegion(region))) {
      const { id, number } = region;
      throw new AdminError(
        'taken',
        `The id ${id} or the number ${number} is a region's, or was that of one that was removed.`,
      );
    }
    await this.note(actor, 'region.add', region.id, { number: region.number, apiUrl: region.apiUrl });
    return this.get(region.id);
  }

  /** @throws AdminError not_found */
  async change(actor: string, id: string, changes: RegionChanges): Promise<RegionEntry> {
    if (!(await this.directory.changes.changeRegion(id, changes))) throw noRegion(id);
    await this.note(actor, 'region.change', id, { changed: Object.keys(changes), ...stateOf(changes) });
    return this.get(id);
  }

  /**
   * Forgets a region. Neither its id nor its number is given to another one: ids of its making may be about.
   * @throws AdminError not_found, taken while domains are at home in it
   */
  async remove(actor: string, id: string): Promise<void> {
    const domains = await this.directory.changes.domainsIn(id);
    if (domains > 0) throw new AdminError('taken', `${domains} domains are at home in ${id}; move them first.`);
    if (!(await this.directory.changes.removeRegion(id))) throw noRegion(id);
    await this.note(actor, 'region.remove', id, {});
  }

  private async get(id: string): Promise<RegionEntry> {
    const region = (await this.directory.regions()).find((each) => each.id === id);
    if (region === undefined) throw noRegion(id);
    return region;
  }

  private note(actor: string, action: string, target: string, details: Parameters<typeof writeAudit>[1]['details']) {
    return writeAudit(this.database.prisma, { at: this.clock.now(), actor, action, target, details });
  }
}

function stateOf({ state }: RegionChanges) {
  return state === undefined ? {} : { state };
}

function noRegion(id: string): AdminError {
  return new AdminError('not_found', `There is no region ${id} in the directory.`);
}

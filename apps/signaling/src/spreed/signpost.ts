import { isDomainError, type Directory, type DomainError, type DomainName, type RegionId } from '@parley/domain';
import { createDirectory } from '@parley/persistence';
import { domainErrorToWire, thrownToWire, type WireError } from '@parley/protocol-spreed-signaling';
import { RegionBook, type Logger } from '@parley/server-kit';
import type { SignalingConfig } from '../config';

/** What is said of a room, or of its domain, that another region may have. */
const MAY_BE_ELSEWHERE: ReadonlySet<string> = new Set([
  'wrong_region',
  'domain_not_found',
  'room_not_found',
  'room_closing',
]);

export interface SignpostParts {
  readonly region: RegionId;
  readonly regions: Pick<RegionBook, 'find'>;
  readonly directory: Pick<Directory, 'domain'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Tells clients that came to the wrong region where to go. */
export class Signpost {
  constructor(private readonly parts: SignpostParts) {}

  /** `wrong_region` with the region and, if it is known here, the URL of its sockets. */
  to(region: RegionId, message: string): WireError {
    const home = this.parts.regions.find(region);
    const details = { region, ...(home === undefined ? {} : { url: `${home.signalingUrl}/spreed` }) };
    return { ...domainErrorToWire('wrong_region', message), details };
  }

  /** What a session is told that was refused a room: where its domain is at home, if that is not here (any more). */
  async forRefusal(error: DomainError, domain: DomainName | undefined): Promise<WireError> {
    if (domain === undefined || !MAY_BE_ELSEWHERE.has(error.code)) return thrownToWire(error);
    return (await this.forRoomsOf(domain)) ?? thrownToWire(error);
  }

  /** What is said of a domain that is at home in another region; undefined: it is not, or nobody knows. */
  async forRoomsOf(domain: DomainName): Promise<WireError | undefined> {
    const region = await this.homeOf(domain);
    if (region === undefined || region === this.parts.region) return undefined;
    return this.to(region, 'The domain is at home in another region.');
  }

  private async homeOf(domain: DomainName): Promise<RegionId | undefined> {
    try {
      return (await this.parts.directory.domain(domain))?.region;
    } catch (error) {
      // The refusal itself still stands; it only says less.
      this.parts.logger.warn({ reason: isDomainError(error) ? error.code : 'failed' }, 'the directory was not reached');
      return undefined;
    }
  }
}

/** Opens the directory for it. Regions are known as soon as the directory answered once, those of PARLEY_REGIONS at once. */
export function openSignpost(
  config: SignalingConfig,
  region: RegionId,
  logger: Logger,
): { readonly signpost: Signpost; close(): Promise<void> } {
  const directory = createDirectory({ url: config.DIRECTORY_DATABASE_URL ?? config.DATABASE_URL, poolSize: 1 });
  const regions = new RegionBook({ rows: config.PARLEY_REGIONS, directory, logger });
  const first = regions.refresh();
  return {
    signpost: new Signpost({ region, regions, directory, logger }),
    close: async () => {
      await regions.close();
      await first;
      await directory.close();
    },
  };
}

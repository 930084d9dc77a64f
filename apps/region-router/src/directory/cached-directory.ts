import type { Directory, DomainHome, DomainName, RegionId } from '@parley/domain';

interface Entry {
  readonly value: unknown;
  readonly freshUntil: number;
  /** While the directory is down it is better than nothing until then. */
  readonly keptUntil: number;
}

export interface CacheTimes {
  readonly knownMs: number;
  /** For answers that say "unknown": somebody may just be registering it. Also for how long an outage is not asked about. */
  readonly unknownMs: number;
  /** How long an answer is used while the directory is down. */
  readonly keptMs: number;
  /** Of what is known; and as many of what is not. */
  readonly maxEntries: number;
}

export const CACHE_TIMES: CacheTimes = {
  knownMs: 60_000,
  unknownMs: 5_000,
  keptMs: 24 * 3_600_000,
  maxEntries: 50_000,
};

const SILENT = { began: () => undefined, ended: () => undefined };

/**
 * The directory with a memory: least recently used entries go first, and when the directory cannot be asked an old
 * answer is better than none, since domains hardly ever move.
 */
export class CachedDirectory implements Directory {
  private readonly entries = new Map<string, Entry>();
  /** Answers that say "unknown", apart: callers make up as many names as they like, and must not crowd out what is known. */
  private readonly unknown = new Map<string, Entry>();
  private readonly asking = new Map<string, Promise<unknown>>();
  private isOut = false;

  constructor(
    private readonly source: Directory,
    private readonly now: () => number,
    private readonly times: CacheTimes = CACHE_TIMES,
    /** Hears of an outage once, when it begins and when it is over. */
    private readonly outage: { began(error: unknown): void; ended(): void } = SILENT,
  ) {}

  domain(name: DomainName): Promise<DomainHome | null> {
    return this.remember(`domain ${name}`, () => this.source.domain(name));
  }

  host(host: string): Promise<DomainName | null> {
    return this.remember(`host ${host}`, () => this.source.host(host));
  }

  regionsOf(authId: string): Promise<readonly RegionId[]> {
    return this.remember(`account ${authId}`, () => this.source.regionsOf(authId));
  }

  movedId(kind: 'webhook' | 'robot', id: number): Promise<RegionId | null> {
    return this.remember(`${kind} ${id}`, () => this.source.movedId(kind, id));
  }

  strictRegions(): Promise<readonly RegionId[]> {
    return this.remember('strict regions', () => this.source.strictRegions());
  }

  /** Asks anew: somebody who must know said that what we hold is not so. What we hold stays in case nobody answers. */
  refreshDomain(name: DomainName): Promise<DomainHome | null> {
    const key = `domain ${name}`;
    const known = this.recall(key);
    if (known !== undefined) this.touch(key, { ...known, freshUntil: -Infinity });
    return this.domain(name);
  }

  private async remember<Value>(key: string, ask: () => Promise<Value>): Promise<Value> {
    const known = this.recall(key);
    // The key's first word says which question it answers, so the type is the one that was put in.
    if (known !== undefined && known.freshUntil > this.now()) return this.touch(key, known) as Value;
    try {
      return await this.askOnce(key, ask);
    } catch (error) {
      // That nobody knew a domain a while ago says nothing about now, and would send its calls astray.
      if (known === undefined || known.keptUntil <= this.now() || isUnknownDomain(key, known.value)) throw error;
      // Not every call has to wait for the directory's silence.
      return this.touch(key, { ...known, freshUntil: this.now() + this.times.unknownMs }) as Value;
    }
  }

  private askOnce<Value>(key: string, ask: () => Promise<Value>): Promise<Value> {
    const running = this.asking.get(key) as Promise<Value> | undefined;
    if (running !== undefined) return running;
    const started = ask()
      .then((value) => {
        this.noteOutage(false);
        const unknown = isUnknown(value);
        const { knownMs, unknownMs, keptMs } = this.times;
        const now = this.now();
        this.touch(key, { value, freshUntil: now + (unknown ? unknownMs : knownMs), keptUntil: now + keptMs });
        return value;
      })
      .catch((error: unknown) => {
        this.noteOutage(true, error);
        throw error;
      })
      .finally(() => this.asking.delete(key));
    this.asking.set(key, started);
    return started;
  }

  private recall(key: string): Entry | undefined {
    return this.entries.get(key) ?? this.unknown.get(key);
  }

  private noteOutage(isOut: boolean, error?: unknown): void {
    if (this.isOut === isOut) return;
    this.isOut = isOut;
    if (isOut) this.outage.began(error);
    else this.outage.ended();
  }

  /** Moves an entry to the young end and drops the oldest one if there are too many. */
  private touch(key: string, entry: Entry): unknown {
    this.entries.delete(key);
    this.unknown.delete(key);
    const entries = isUnknown(entry.value) ? this.unknown : this.entries;
    entries.set(key, entry);
    const oldest = entries.size > this.times.maxEntries ? entries.keys().next().value : undefined;
    if (oldest !== undefined) entries.delete(oldest);
    return entry.value;
  }
}

function isUnknown(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function isUnknownDomain(key: string, value: unknown): boolean {
  return value === null && key.startsWith('domain ');
}

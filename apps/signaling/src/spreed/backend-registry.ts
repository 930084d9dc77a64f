import type { Backend, BackendStore } from '@parley/persistence';

/** What is known holds this long, should nobody have been able to say that it changed. */
const AGE_MS = 30_000;
/** That a backend is not there holds shorter: somebody may just be adding it. */
const ABSENT_AGE_MS = 500;
const MAX_ENTRIES = 2_000;

interface Entry {
  readonly backend: Promise<Backend | null>;
  until: number;
}

/**
 * Backends as the database has them, remembered so that not every message of a client asks it. Whoever hears that
 * backends changed calls {@link forget}.
 */
export class BackendRegistry implements BackendStore {
  private readonly entries = new Map<string, Entry>();

  /** @param now milliseconds, of any origin */
  constructor(
    private readonly store: BackendStore,
    private readonly now: () => number = () => performance.now(),
  ) {}

  byUrl(url: string): Promise<Backend | null> {
    return this.remembered(`url ${url}`, () => this.store.byUrl(url));
  }

  byId(id: string): Promise<Backend | null> {
    return this.remembered(`id ${id}`, () => this.store.byId(id));
  }

  /** Not remembered: only background work asks. */
  list(): Promise<readonly Backend[]> {
    return this.store.list();
  }

  /** From now on everything is looked up anew; what is being looked up right now is not kept either. */
  forget(): void {
    this.entries.clear();
  }

  private remembered(key: string, load: () => Promise<Backend | null>): Promise<Backend | null> {
    const known = this.entries.get(key);
    if (known !== undefined && known.until > this.now()) return known.backend;
    const entry: Entry = { backend: load(), until: this.now() + AGE_MS };
    this.entries.delete(key);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= MAX_ENTRIES && oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(key, entry);
    entry.backend.then(
      (backend) => {
        if (backend === null) entry.until = this.now() + ABSENT_AGE_MS;
      },
      () => {
        if (this.entries.get(key) === entry) this.entries.delete(key);
      },
    );
    return entry.backend;
  }
}

import { brandAs, type AccountId, type DomainName, type RegionId } from '../kernel/ids';

/** Who holds API credentials. Secrets are in the clear only in memory. */
export interface Account {
  readonly id: AccountId;
  readonly slug: string;
  readonly authId: string;
  readonly secret: string;
  /** A rotation that not every region of the account has heard of yet: it counts as well. */
  readonly nextSecret?: string;
  /** May use keys that sign no body (xroom's original scheme; replayable within its limits). */
  readonly legacyKeys: boolean;
}

/** The region that made an account, and alone changes it; undefined when its id does not tell. */
export function regionOfAccount(id: string): RegionId | undefined {
  const region = /^acc_([a-z0-9-]+)_/.exec(id)?.[1];
  return region === undefined ? undefined : brandAs<RegionId>(region);
}

/** Seconds until a room closes by itself; null: never. */
export interface ClosingTimes {
  readonly unenteredSeconds: number | null;
  readonly emptySeconds: number | null;
}

/** A domain: what rooms are named under, at home in one region. */
export interface Domain {
  readonly name: DomainName;
  readonly accountId: AccountId;
  readonly region: RegionId;
  /** Signs answers to webhook handshakes, and what deliveries are signed with is derived from it; not the account's secret. */
  readonly webhookKey: string;
  readonly capacity: number;
  readonly visitorsMayOpen: boolean;
  readonly strictResidency: boolean;
  /** Plain http and loopback receivers are allowed; for the demo domain only. */
  readonly insecureWebhooks: boolean;
  readonly visitorRooms: ClosingTimes;
  readonly apiRooms: ClosingTimes;
}

/** Accounts and domains of this region. */
export interface TenancyStore {
  /** The region whose store this is. */
  readonly region: RegionId;
  accountByAuthId(authId: string): Promise<Account | null>;
  domain(name: DomainName): Promise<Domain | null>;
  /** The account's domains at home in this region, by name. */
  domainsOf(account: AccountId): Promise<readonly Domain[]>;
  /** Whether a foreign backend of the domain keeps its rooms for its own people (its `foreignEntry` is off). */
  keepsVisitorsOut(domain: DomainName): Promise<boolean>;
  /**
   * Gives a domain another webhook key; the former one counts as well until `formerUntil` (null: no more).
   * @returns false when there is no such domain
   */
  replaceWebhookKey(name: DomainName, webhookKey: string, formerUntil: Date | null): Promise<boolean>;
  /** Whether who comes and goes in its rooms is an event although no webhook lists it. False for an unknown domain. */
  peerEvents(name: DomainName): Promise<boolean>;
  setPeerEvents(name: DomainName, on: boolean): Promise<void>;
}

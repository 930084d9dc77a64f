import type { AccountId, DomainName, RoomSessionId, UnitOfWork, WebhookId } from '@parley/domain';

/** One database under test. Made anew for each test, with domains a.test and b.test of different accounts. */
export interface StoresUnderTest {
  readonly uow: UnitOfWork;
  readonly account: AccountId;
  readonly domain: DomainName;
  readonly otherDomain: DomainName;
  addBackend(domain: DomainName, options: { foreignEntry: boolean }): Promise<void>;
  settleValidation(id: WebhookId, validated: boolean): Promise<void>;
  /** `type:seq` of every committed event of a room session, in order of seq. */
  eventsOf(id: RoomSessionId): Promise<string[]>;
  wakeUps(): number;
}

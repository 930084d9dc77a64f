import { createHash, type KeyObject } from 'node:crypto';
import {
  brandAs,
  fail,
  ok,
  type Clock,
  type JsonValue,
  type RegionId,
  type Result,
  type TenantKey,
  type TicketClaims,
} from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import {
  backendAddress,
  internalTokenMatches,
  normalizeBackendUrl,
  readHelloToken,
  wireError,
  type BackendAddress,
  type BackendCapabilities,
  type BackendUser,
  type NewSessionRequest,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { TicketVerifier } from '@parley/server-kit';
import type { RobotRoll } from '../robots/robot-roll';
import type { AttemptThrottle } from './attempt-throttle';
import type { Capabilities } from './capabilities';
import type { Authenticated } from './entry-right';
import { domainOfInternalBackend } from './internal-backend';
import type { NextcloudClient } from './nextcloud-client';
import type { Signpost } from './signpost';

type Outcome = Result<Authenticated, WireError>;
type Request<Kind extends NewSessionRequest['kind']> = Extract<NewSessionRequest, { kind: Kind }>;

/** A backend and where it is to be asked. */
interface Named {
  readonly backend: Backend;
  readonly address: BackendAddress;
}

/** Used tickets are remembered longer than any ticket lives. */
const TICKET_MEMORY_MS = 5 * 60_000;

/** How long it is remembered from where an internal client's random came. */
const INTERNAL_RANDOM_MEMORY_MS = 10 * 60_000;

/** The capability of backends that give tokens to people of other clusters. */
const FEDERATION_V2 = 'federation-v2';

const TICKET_ERRORS = { invalid: 'invalid_token', expired: 'token_expired', not_yet: 'token_not_valid_yet' } as const;

export interface AuthenticatorParts {
  readonly region: RegionId;
  /** How the outside reaches this region; the URL of our own tickets and internal clients starts with it. */
  readonly publicUrl: string;
  readonly tickets: TicketVerifier;
  readonly robots: Pick<RobotRoll, 'admit'>;
  readonly signpost: Pick<Signpost, 'to'>;
  readonly backends: BackendStore;
  readonly nextcloud: NextcloudClient;
  readonly capabilities: Capabilities;
  readonly guards: LiveGuards;
  readonly throttle: AttemptThrottle;
  /** Any of them proves an internal client of the cluster itself. */
  readonly internalSecrets: readonly string[];
  readonly clock: Clock;
}

/** Finds out who says hello. */
export class Authenticator {
  constructor(private readonly parts: AuthenticatorParts) {}

  /** @throws when a store does not answer */
  async authenticate(hello: NewSessionRequest, address: string): Promise<Outcome> {
    switch (hello.kind) {
      case 'token':
        return this.byToken(hello);
      case 'backend':
        return this.asked(hello.url, hello.params);
      case 'internal':
        return this.internal(hello, address);
      case 'federation':
        return this.byFederation(hello);
    }
  }

  /** Hello 2.0: one of our own tickets, for a room or a robot, or a token that a backend signed. */
  private async byToken(hello: Request<'token'>): Promise<Outcome> {
    const { tickets, robots, clock, publicUrl } = this.parts;
    const verified = await tickets.verify(hello.token, clock.now());
    if (verified.ok) return this.byTicket(verified.value);
    const robot = await robots.admit(hello.token);
    if (robot.ok) return robot.value;
    const named = await this.named(hello.url);
    if (named !== undefined) return this.byBackendToken(named, hello.token);
    const ours = sameOrigin(hello.url, publicUrl);
    // It is of one kind at most; of the other it is just `invalid`.
    const why = verified.error === 'invalid' ? robot.error : verified.error;
    return fail(wireError(ours ? TICKET_ERRORS[why] : 'invalid_backend'));
  }

  private async byTicket(claims: TicketClaims): Promise<Outcome> {
    const { guards, region, signpost } = this.parts;
    if (claims.region !== region) return fail(signpost.to(claims.region, 'The room is in another region.'));
    if ((await guards.once('ticket', claims.id, TICKET_MEMORY_MS)) !== true) return fail(wireError('invalid_token'));
    return ok({
      identity: { kind: 'client', userId: claims.userId },
      tenant: brandAs<TenantKey>(`domain:${claims.domain}`),
      ...(claims.displayName === undefined ? {} : { displayName: claims.displayName }),
      right: { kind: 'ticket', claims },
    });
  }

  /** Somebody of another cluster: the backend of the room vouches for them. */
  private async byFederation({ url, proof }: Request<'federation'>): Promise<Outcome> {
    const proven =
      'token' in proof ? await this.byFederationToken(url, proof.token) : await this.asked(url, proof.params);
    if (!proven.ok) return proven;
    return ok({ ...proven.value, identity: { ...proven.value.identity, kind: 'federation' } });
  }

  private async byFederationToken(url: string, token: string): Promise<Outcome> {
    const named = await this.named(url);
    if (named === undefined) return fail(wireError('invalid_backend'));
    if (!(await this.federates(named))) return fail(wireError('federation_unsupported'));
    return this.byBackendToken(named, token);
  }

  private async federates({ backend, address: { base } }: Named): Promise<boolean> {
    const { capabilities } = this.parts;
    const can = (known: BackendCapabilities | undefined) => known?.features.includes(FEDERATION_V2) === true;
    // It may just have been upgraded.
    return can(await capabilities.of(backend, base)) || can(await capabilities.again(backend, base));
  }

  private async byBackendToken(named: Named, token: string): Promise<Outcome> {
    const { capabilities, clock } = this.parts;
    const { backend, address } = named;
    const { base } = address;
    const known = await capabilities.of(backend, base);
    const read = (key: KeyObject | undefined) =>
      key === undefined ? fail(wireError('invalid_token')) : readHelloToken(token, key, clock.now());
    let user = await read(known?.helloKey);
    if (!user.ok && user.error.code === 'invalid_token') {
      // The backend may just have been upgraded, or has another key by now.
      const renewed = await capabilities.again(backend, base);
      if (renewed !== known) user = await read(renewed?.helloKey);
    }
    return user.ok ? this.asBackendUser(named, user.value) : user;
  }

  /** Hello 1.0: the backend is asked. */
  private async asked(url: string, params: JsonValue): Promise<Outcome> {
    const { nextcloud } = this.parts;
    const named = await this.named(url);
    if (named === undefined) return fail(wireError('invalid_backend'));
    const requestUrl = await nextcloud.requestUrl(named.backend, named.address);
    const answer = await nextcloud.authenticate(named.backend, requestUrl, params);
    return answer.ok ? this.asBackendUser(named, answer.value) : answer;
  }

  private async asBackendUser({ backend, address }: Named, { userId, user }: BackendUser): Promise<Outcome> {
    const requestUrl = await this.parts.nextcloud.requestUrl(backend, address);
    return ok({
      identity: { kind: 'client', userId },
      tenant: tenantOf(backend),
      ...(user === undefined ? {} : { user }),
      right: { kind: 'backend', backendId: backend.id, requestUrl, userId },
      ...(backend.sessionLimit === null ? {} : { sessionLimit: backend.sessionLimit }),
    });
  }

  private async internal(hello: Request<'internal'>, address: string): Promise<Outcome> {
    const { throttle, internalSecrets, publicUrl } = this.parts;
    const backend = await this.backendOf(hello.backend);
    const domain = domainOfInternalBackend(hello.backend, publicUrl);
    const suspect = { address, backendId: backend?.id };
    const refuse = async (code: 'invalid_token' | 'invalid_backend'): Promise<Outcome> => {
      const outcome = await throttle.failed('HelloInternal', suspect);
      return fail(wireError(outcome === 'blocked' ? 'too_many_requests' : code));
    };
    if (backend?.internalSecret === null) return fail(wireError('invalid_client_type'));
    const secrets = backend ? [backend.internalSecret] : internalSecrets;
    const known = secrets.some((secret) => internalTokenMatches(secret, hello.random, hello.token));
    if (!known) return refuse('invalid_token');
    if (await throttle.isBlocked('HelloInternal', suspect)) return fail(wireError('too_many_requests'));
    if (backend === null && domain === undefined) return refuse('invalid_backend');
    if (!(await this.isItsOwn(backend, hello.random, address))) return refuse('invalid_token');
    const own = domain === null || domain === undefined ? 'internal' : `domain:${domain}`;
    return ok({
      identity: { kind: 'internal', userId: '' },
      tenant: backend ? tenantOf(backend) : brandAs<TenantKey>(own),
      right: { kind: 'internal', backendId: backend?.id ?? null },
    });
  }

  /**
   * Whoever read a hello along the way cannot use it from elsewhere. The page of a recorder says the same one again when
   * its session is gone.
   */
  private isItsOwn(backend: Backend | null, random: string, address: string): Promise<boolean> {
    // A random may be as long as a frame.
    const digest = createHash('sha256').update(random).digest('base64url');
    return this.parts.guards.lease(`hello-internal:${backend?.id ?? ''}:${digest}`, address, INTERNAL_RANDOM_MEMORY_MS);
  }

  /** The backend a client wants to come in by; undefined also when it names a place where that one is not asked. */
  private async named(url: string): Promise<Named | undefined> {
    const backend = await this.backendOf(url);
    const address = backend === null ? undefined : backendAddress(url, backend.urls);
    return backend === null || address === undefined ? undefined : { backend, address };
  }

  private async backendOf(url: string): Promise<Backend | null> {
    const base = normalizeBackendUrl(url);
    return base === undefined ? null : this.parts.backends.byUrl(base);
  }
}

/** What separates the sessions of one backend from all others. */
export function tenantOf(backend: Pick<Backend, 'id'>): TenantKey {
  return brandAs<TenantKey>(`backend:${backend.id}`);
}

function sameOrigin(url: string, other: string): boolean {
  return URL.canParse(url) && URL.canParse(other) && new URL(url).origin === new URL(other).origin;
}

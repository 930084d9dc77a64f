import type { JoinRequest } from '@parley/contracts';
import type { SocketClass } from './line';
import { RegionChooser, type Chosen } from './region-choice';
import { Rest, type Fetch } from './rest';
import { Session } from './session';
import { SESSION_TIMES, type SessionHandlers, type SessionTimes } from './session-parts';

export interface ParleyOptions {
  /** Base URL of a front door: the global one, or any region's. */
  readonly url: string;
  /**
   * `nearest` (the default) asks for tickets at the front door that answers fastest. `as-given` asks no other one: for those
   * whose calls must not be seen elsewhere, with the URL of the home region.
   */
  readonly frontDoor?: 'nearest' | 'as-given';
  /** Where the platform has none of its own, or another one is wanted. */
  readonly fetch?: Fetch;
  readonly webSocket?: SocketClass;
  readonly times?: Partial<SessionTimes>;
}

/** Joins rooms of one Parley. */
export class ParleyClient {
  private readonly url: string;
  private readonly rest: Rest;
  private readonly chooser: RegionChooser;

  constructor(private readonly options: ParleyOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.rest = new Rest(options.fetch ?? ((...call) => globalThis.fetch(...call)));
    this.chooser = new RegionChooser(this.rest, this.url);
  }

  /** The nearest region that takes new rooms, measured at most every 30 minutes; undefined when none can be chosen. */
  region(): Promise<Chosen | undefined> {
    return this.chooser.choose();
  }

  /** To be called when the network changed: regions are measured again. */
  networkChanged(): void {
    this.chooser.forget();
  }

  /**
   * Enters a room, wherever it is at home.
   * @param handlers told of everything from the first moment on
   * @throws ParleyError `room_locked`, `wrong_password`, `room_full`, `unreachable`, …
   */
  async join(request: JoinRequest, handlers: SessionHandlers = {}): Promise<Session> {
    const { webSocket = platformSocket(), times } = this.options;
    const ticket = async () => this.rest.join(await this.frontDoor(), request, this.chooser.measured);
    const parts = { socketClass: webSocket, rejoin: ticket, handlers, times: { ...SESSION_TIMES, ...times } };
    return Session.enter(parts, await ticket());
  }

  private async frontDoor(): Promise<string> {
    if (this.options.frontDoor === 'as-given') return this.url;
    return (await this.chooser.choose())?.region.url ?? this.url;
  }
}

function platformSocket(): SocketClass {
  // Not every Node.js has one, and its type depends on where this is compiled.
  const { WebSocket } = globalThis as { readonly WebSocket?: SocketClass };
  if (WebSocket === undefined) throw new Error('This platform has no WebSocket: give one as the option webSocket.');
  return WebSocket;
}

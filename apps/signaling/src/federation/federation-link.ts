import {
  federationFrames,
  isDisinvitation,
  localFrame,
  remoteFrame,
  withId,
  type FederationNames,
  type RemoteFrame,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import { Entrance } from './entrance';
import { Exit } from './exit';
import type { FederationState } from './federation-state';
import { InboundFrames } from './inbound-frames';
import { localErrorOf, namesIn, placeOf, stateOf, type FederationEntry, type LinkHome } from './link-terms';
import { OutboundQueue } from './outbound-queue';
import { networkError, RemoteConnection, type RemoteHello, type RemoteSession } from './remote-connection';

/** What another try may not meet. */
const PASSING = new Set(['federation_error', 'too_many_requests', 'internal_error']);

/**
 * Speaks for one session at another cluster: its frames go there, what comes from there goes into the session's own log,
 * with the names of this side (brief 2.8). Survives broken connections; `resume` takes over what another replica kept.
 */
export class FederationLink {
  /** Whether the session has its client here. Without one it only holds on to what there is. */
  attached = true;
  private phase: 'opening' | 'open' | 'broken' | 'over' = 'opening';
  private connection: RemoteConnection | undefined;
  private remote: RemoteSession | undefined;
  private current: FederationEntry | undefined;
  private readonly entrance: Entrance;
  private readonly exit: Exit;
  private renewing = false;
  /** Whether the client knows that the way is broken. */
  private told = false;
  private retryMs: number;
  private retry: NodeJS.Timeout | undefined;
  private readonly queue = new OutboundQueue();
  private readonly inbound: InboundFrames;

  constructor(private readonly home: LinkHome) {
    const { firstRetryMs, timeoutMs } = home.times;
    this.retryMs = firstRetryMs;
    this.entrance = new Entrance(2 * timeoutMs, () => this.refused(networkError()));
    this.exit = new Exit(timeoutMs);
    this.inbound = new InboundFrames(home, {
      congested: (full) => (full ? this.connection?.pause() : this.connection?.resume()),
      gone: () => this.end(),
      progressed: () => void this.keepPlace(),
    });
  }

  /** The room it is in; undefined until the other cluster let it in. */
  get room(): FederationEntry | undefined {
    return this.current;
  }

  get isOver(): boolean {
    return this.phase === 'over';
  }

  get isDropped(): boolean {
    return this.inbound.isDropped;
  }

  /** What resumes the session at the other cluster. */
  get remoteResumeId(): string | undefined {
    return this.remote?.resumeId;
  }

  /** Whether a room can be entered over this very connection. */
  serves({ socketUrl, url }: FederationEntry): boolean {
    return this.phase === 'open' && this.current?.socketUrl === socketUrl && this.current.url === url;
  }

  /** Enters a room, leaving the present one. Undefined: it is in; the answer to the client is on its way to it. */
  enter(entry: FederationEntry): Promise<WireError | undefined> {
    return new Promise((settle) => {
      this.entrance.expect(entry, settle);
      if (this.phase === 'open') this.askToEnter();
      else this.connect({ url: entry.url, token: entry.token }, entry.socketUrl);
    });
  }

  /** Goes on where another replica, or an earlier connection, stopped. */
  resume(state: FederationState): void {
    const { entry, remote } = placeOf(state);
    this.current = entry;
    this.remote = remote;
    this.inbound.startAfter(state.lastSeq);
    this.phase = 'broken';
    this.reconnect();
  }

  /** Hands a frame of the client on, later if the way is broken; the client hears when too much waits already. */
  send(text: string): void {
    if (this.phase === 'over') return;
    if (this.phase === 'open' && !this.renewing) {
      const frame = remoteFrame(text, this.names());
      if (frame === undefined || this.connection?.send(frame) === true) return;
    }
    if (!this.queue.add(text)) this.deliver(federationFrames.notSent(text));
  }

  /** Leaves the room and ends. The client gets the other cluster's answer, or one of ours when there is none. */
  leave(id: string | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (answer?: string) => {
        this.deliver(answer ?? federationFrames.outside(id));
        this.finish(true, resolve);
      };
      if (this.phase === 'over') return done();
      const request = this.exit.ask(id, done);
      if (this.phase === 'open') this.connection?.send(request);
      else this.exit.settle();
    });
  }

  /** The session is over, or has found another room: ends the one at the other cluster. */
  end(): void {
    if (this.phase === 'over') return;
    this.connection?.bye();
    this.over(false);
  }

  /** The client is gone for now: the connection is held for it. */
  detach(): Promise<void> {
    this.attached = false;
    return this.keepPlace();
  }

  /** Reads no more and puts what was read into the log, so that another replica can go on from there. */
  async settle(): Promise<void> {
    this.connection?.pause();
    await this.inbound.done();
    await this.keepPlace();
  }

  /** Lets go without ending the session at the other cluster: another replica goes on with it. */
  async drop(): Promise<void> {
    this.inbound.drop();
    this.connection?.drop();
    if (this.phase !== 'over') this.over(false);
    await this.inbound.done();
  }

  private connect(hello: RemoteHello, url: string): void {
    const { features, rules, headers, times } = this.home;
    const connection: RemoteConnection = new RemoteConnection(
      { url, rules, headers, timeoutMs: times.timeoutMs, hello, features },
      {
        ready: (session) => this.ready(session, 'resumeId' in hello),
        frame: (text, frame) => this.received(text, frame),
        closed: (failure) => this.closed(failure, 'resumeId' in hello),
      },
    );
    this.connection = connection;
  }

  private ready(session: RemoteSession, resumed: boolean): void {
    const { current } = this;
    this.remote = session;
    if (!resumed) this.inbound.startAfter(undefined);
    this.phase = 'open';
    this.retryMs = this.home.times.firstRetryMs;
    if (current === undefined) return this.askToEnter();
    // A client that noticed nothing need not hear that all is well.
    if (this.told || !resumed) this.deliver(federationFrames.resumed(resumed));
    this.told = false;
    if (resumed) return this.flush();
    this.renewing = true;
    this.entrance.expect(current, (error) => error && this.throwOut());
    this.askToEnter();
  }

  private askToEnter(): void {
    const request = this.entrance.request();
    if (request !== undefined) this.connection?.send(request);
  }

  private received(text: string, frame: RemoteFrame): void {
    if (this.entrance.isAnswer(frame)) {
      return frame.type === 'room' ? this.entered(text, frame.seq) : this.refused(localErrorOf(frame, this.names()));
    }
    if (this.exit.isAnswer(frame)) return void this.exit.settle(localFrame(text, this.names()));
    if (frame.type === 'bye') return frame.bye?.reason === 'session_resumed' ? void this.drop() : this.throwOut();
    if (frame.type === 'welcome' || frame.type === 'hello') return;
    const remoteRoom = this.current?.room.remote;
    this.deliver(localFrame(text, this.names()), frame.seq);
    const out = frame.type === 'room' && frame.room?.roomid === '';
    if (out || (remoteRoom !== undefined && isDisinvitation(text, remoteRoom))) this.finish(true);
  }

  private entered(text: string, seq: string | undefined): void {
    const { remote } = this;
    const answer = localFrame(text, this.names());
    const asked = this.entrance.take();
    if (asked === undefined || remote === undefined) return;
    const { entry, settle } = asked;
    this.current = { ...entry, id: undefined };
    // Should the replica die right after the answer, another one must know the room.
    this.inbound.after(() => this.home.keep(stateOf(entry, remote, this.inbound.logged)));
    this.deliver(withId(answer, entry.id), seq);
    settle();
    if (!this.renewing) return;
    this.renewing = false;
    this.flush();
  }

  private refused(error: WireError): void {
    const asked = this.entrance.take();
    if (asked === undefined) return;
    if (this.current === undefined) this.end();
    asked.settle(error);
  }

  private closed(failure: WireError | undefined, resuming: boolean): void {
    if (this.phase === 'over') return;
    if (this.current === undefined) return this.refused(failure ?? networkError());
    const wasOpen = this.phase === 'open';
    this.phase = 'broken';
    if (!this.renewing) this.refused(networkError());
    else this.entrance.take();
    this.renewing = false;
    if (this.exit.settle()) return;
    if (failure !== undefined && !PASSING.has(failure.code)) return this.startAnew(resuming);
    this.tellInterrupted();
    this.retry = setTimeout(() => this.reconnect(), this.retryMs);
    this.retryMs = Math.min(wasOpen ? this.retryMs : this.retryMs * 2, this.home.times.lastRetryMs);
  }

  /** The session there is lost: a new one, unless that was refused just now. */
  private startAnew(resuming: boolean): void {
    // Without its client nobody could be told; when it comes back this begins again.
    if (!this.attached) return this.over(false);
    const { current } = this;
    if (!resuming || current === undefined) return this.throwOut();
    this.connect({ url: current.url, token: current.token }, current.socketUrl);
  }

  private reconnect(): void {
    const { remote, current } = this;
    if (this.phase !== 'broken' || remote === undefined || current === undefined) return;
    this.connect({ resumeId: remote.resumeId, lastSeq: this.inbound.received }, current.socketUrl);
  }

  private tellInterrupted(): void {
    if (this.told) return;
    this.told = true;
    this.deliver(federationFrames.interrupted());
  }

  /** The other cluster does not have it any more, or is not to have it: its client hears that it is in no room. */
  throwOut(): void {
    if (this.phase === 'over') return;
    this.deliver(federationFrames.outside());
    this.finish(true);
  }

  private flush(): void {
    for (const text of this.queue.take()) this.send(text);
  }

  private deliver(frame: string, seq?: string): void {
    const { remote } = this;
    this.inbound.deliver(frame, remote && seq !== undefined ? { remoteSessionId: remote.sessionId, seq } : undefined);
  }

  private async keepPlace(): Promise<void> {
    const { current, remote, inbound } = this;
    if (this.phase === 'over' || current === undefined || remote === undefined) return;
    await this.home.note(stateOf(current, remote, inbound.logged)).catch(this.home.failed);
  }

  private finish(outside: boolean, then: () => void = () => undefined): void {
    this.inbound.after(() => this.home.keep(undefined));
    this.connection?.bye();
    this.over(outside);
    void this.inbound.done().then(then);
  }

  private over(outside: boolean): void {
    if (this.phase === 'over') return;
    this.phase = 'over';
    clearTimeout(this.retry);
    this.inbound.end();
    const asked = this.entrance.take();
    this.renewing = false;
    asked?.settle(networkError());
    this.exit.settle();
    this.connection?.drop();
    this.home.ended(outside);
  }

  private names(): FederationNames {
    return namesIn(this.home, [this.entrance.entry, this.current], this.remote);
  }
}

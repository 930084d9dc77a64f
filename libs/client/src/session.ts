import type { IceServer, JoinAnswer } from '@parley/contracts';
import { greet, type Greeted, type Hello } from './greeting';
import type { Frame } from './line';
import { leadsToRegion, passes, troubleOf } from './moving-on';
import { isObject, ParleyError, textOf } from './parley-error';
import { Requests, silent } from './requests';
import type { Recipient, SessionParts } from './session-parts';

const LONGEST_PAUSE_MS = 5_000;

/** Somebody in a room. Mends broken connections by itself until it is left, thrown out, or gives up. */
export class Session {
  private current: Greeted | undefined;
  private lastSeq: string | undefined;
  private readonly requests: Requests;
  private isOver = false;
  private isInRoom = false;
  private isMending = false;
  /** It was told that its room goes on in another region; when it closes here, this session follows. */
  private willMove = false;
  /** Its room closed here and goes on there. */
  private isLeftBehind = false;
  /** It gave its session up for that, and is not there yet. */
  private isFollowing = false;
  /** Connections made so far; only the last one is listened to. */
  private lines = 0;
  /** Until then a resume of its own that was given up may still be carried out, by a gateway that stood still. */
  private robsItselfUntil = Number.NEGATIVE_INFINITY;
  private wake: (() => void) | undefined;

  private constructor(
    private readonly parts: SessionParts,
    private answer: JoinAnswer,
  ) {
    this.requests = new Requests(parts.times.answerMs);
  }

  /** Connects with a ticket and enters its room. @throws ParleyError */
  static async enter(parts: SessionParts, answer: JoinAnswer): Promise<Session> {
    const session = new Session(parts, answer);
    try {
      await session.enterAnew(answer);
    } catch (error) {
      // A domain may have moved between the ticket and now; its new home gives another one.
      if (!(error instanceof ParleyError) || error.code !== 'wrong_region') return session.fail(error);
      await parts
        .rejoin()
        .then((again) => session.enterAnew(again))
        .catch((failure: unknown) => session.fail(failure));
    }
    parts.handlers.state?.('connected', undefined);
    // Its room may have gone at once.
    if (session.isLeftBehind) session.interrupt('moved');
    return session;
  }

  /** How the others know it; another one after `renewed`. */
  get sessionId(): string {
    return this.current?.sessionId ?? '';
  }

  /** Path of the room, `domain/name`. */
  get roomId(): string {
    return this.answer.roomId;
  }

  get iceServers(): readonly IceServer[] {
    return this.answer.iceServers;
  }

  /** The WebSocket URL of the region that serves it. */
  get signalingUrl(): string {
    return this.current?.url ?? this.answer.signalingUrl;
  }

  /** Sends something that the other side understands. While the connection is broken it is lost. @throws ParleyError closed */
  send(recipient: Recipient, data: unknown): void {
    this.post({ type: 'message', message: { recipient, data } });
  }

  /** As {@link send}, for hosts. */
  control(recipient: Recipient, data: unknown): void {
    this.post({ type: 'control', control: { recipient, data } });
  }

  /** Leaves the room and ends the session. */
  leave(): void {
    if (!this.isOver) this.current?.line.send({ id: 'bye', type: 'bye', bye: {} });
    this.end('left');
  }

  private post(frame: Frame): void {
    if (this.isOver) throw new ParleyError('closed', 'The session is over.');
    this.current?.line.send(frame);
  }

  private async enterAnew(answer: JoinAnswer): Promise<void> {
    this.answer = answer;
    this.lastSeq = undefined;
    this.robsItselfUntil = Number.NEGATIVE_INFINITY;
    this.isInRoom = this.willMove = this.isLeftBehind = false;
    await this.connect(answer.signalingUrl, { authUrl: answer.authUrl, ticket: answer.ticket });
    await this.enterRoom();
  }

  private async enterRoom(): Promise<void> {
    const line = this.lines;
    try {
      await this.requests.ask(this.current?.line, 'room', { roomid: this.answer.roomId });
    } catch (error) {
      // An answer that was lost with its connection.
      if (!(error instanceof ParleyError) || error.code !== 'already_joined') throw error;
    }
    this.expectLine(line);
    this.isInRoom = true;
  }

  private async connect(url: string, hello: Hello): Promise<void> {
    const line = (this.lines += 1);
    const greeted = await greet(this.parts.socketClass, url, hello, this.parts.times.answerMs, {
      frame: (frame) => this.received(frame),
      closed: (code) => {
        if (line === this.lines) this.broken(code);
      },
    }).catch((error: unknown) => {
      const unanswered = 'resumeId' in hello && troubleOf(error).code === 'unreachable';
      if (unanswered) this.robsItselfUntil = performance.now() + this.parts.times.giveUpMs;
      throw error;
    });
    // It may have been left while it said hello.
    if (this.isOver) return greeted.line.close();
    this.current = greeted;
    this.expectLine(line);
  }

  /** @throws ParleyError unreachable when it was dismissed right behind an answer on that line */
  private expectLine(line: number): void {
    if (line === this.lines) return;
    this.current?.line.close();
    throw silent('hello');
  }

  private received(frame: Frame): void {
    if (this.isOver) return;
    this.dispatch(frame);
    // Only what was handled counts: the rest is told again after a resume.
    if (typeof frame.seq === 'string') this.lastSeq = frame.seq;
  }

  private dispatch(frame: Frame): void {
    if (this.requests.take(frame)) return;
    const body = frame[frame.type];
    if (!isObject(body)) return;
    const { handlers } = this.parts;
    if (frame.type === 'message' || frame.type === 'control') handlers.message?.(body, frame.type);
    else if (frame.type === 'event') {
      if (leadsToRegion(body)) this.willMove = true;
      handlers.event?.(body);
    } else if (frame.type === 'bye') this.dismissed(textOf(body.reason) ?? 'ended');
    else if (frame.type === 'room' && body.roomid === '') this.roomClosed();
  }

  private dismissed(reason: string): void {
    if (reason !== 'session_resumed' || performance.now() >= this.robsItselfUntil) return this.end(reason);
    // Once: whoever has it after that is somebody else.
    this.robsItselfUntil = Number.NEGATIVE_INFINITY;
    this.dropLine();
    this.requests.rejectAll(silent('to the room'));
    this.interrupt(undefined);
  }

  private roomClosed(): void {
    if (!this.willMove) return this.end('room_closed');
    this.isLeftBehind = true;
    this.interrupt('moved');
  }

  private broken(code: number): void {
    if (this.isOver) return;
    if (code === 1000) return this.end('ended');
    this.requests.rejectAll(silent('to the room'));
    this.interrupt(undefined);
  }

  private interrupt(reason: 'moved' | undefined): void {
    // Who is just entering, or mending, hears of it by that.
    if (!this.isInRoom || this.isMending) return;
    this.parts.handlers.state?.('interrupted', reason);
    this.isMending = true;
    void this.mend(reason === 'moved' ? this.parts.times.moveMs : 0).finally(() => (this.isMending = false));
  }

  /** @param firstMs before the first try at least */
  private async mend(firstMs: number): Promise<void> {
    const { retryMs, giveUpMs } = this.parts.times;
    let end = performance.now() + giveUpMs;
    let toldMs = firstMs;
    for (let pause = retryMs; !this.isOver; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      // At random: those whose gateway went, or whose room moved, all come at the same time otherwise.
      const wait = toldMs + Math.random() * Math.max(pause, toldMs);
      // The last try is made when time is up.
      await this.pause(Math.min(wait, Math.max(0, end - performance.now())));
      if (this.isOver) return;
      try {
        const reason = await this.resumeOrRenew();
        if (this.isOver) return;
        // What was missed may have been that the room moved.
        if (!this.isLeftBehind) return this.parts.handlers.state?.('connected', reason);
      } catch (error) {
        const trouble = troubleOf(error);
        const { code, facts } = trouble;
        // A domain may be on its way for long; whoever says so is there.
        if (code === 'domain_moving') end = performance.now() + giveUpMs;
        if (!passes(trouble, this.isFollowing) || performance.now() >= end) return this.end(code);
        toldMs = (facts.retryAfterSeconds ?? 0) * 1_000;
      }
    }
  }

  private async resumeOrRenew(): Promise<'resumed' | 'renewed'> {
    if (this.isLeftBehind) this.giveUpSession();
    const { current } = this;
    if (current !== undefined) {
      try {
        await this.connect(current.url, { resumeId: current.resumeId, lastSeq: this.lastSeq });
        if (!this.isInRoom) await this.enterRoom();
        return 'resumed';
      } catch (error) {
        if (!(error instanceof ParleyError) || error.code !== 'no_such_session') throw error;
        this.current = undefined;
      }
    }
    await this.enterAnew(await this.parts.rejoin());
    this.isFollowing = false;
    return 'renewed';
  }

  /** The region that its room left has nothing more for it. */
  private giveUpSession(): void {
    this.isFollowing = true;
    this.isLeftBehind = false;
    this.current?.line.send({ id: 'bye', type: 'bye', bye: {} });
    this.dropLine();
    this.current = undefined;
  }

  /** Nobody listens to that line any more. */
  private dropLine(): void {
    this.lines += 1;
    this.current?.line.close();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.wake?.();
    const over = new ParleyError('closed', `The session is over (${reason}).`);
    this.requests.rejectAll(over);
    this.current?.line.close();
    this.parts.handlers.state?.('closed', reason);
  }

  private fail(error: unknown): never {
    this.isOver = true;
    this.current?.line.close();
    throw error;
  }
}

import { eventually } from '@parley/testing';
import { memberOf, textOf } from './browser-value';
import { TalkPeers } from './talk-peers';
import { TalkSocket, type SignalingSettings } from './talk-socket';
import { TalkView, type Participant } from './talk-view';

/** What a page asks its own Nextcloud for, over HTTP. */
export interface TalkSite {
  settings(): Promise<SignalingSettings>;
  /** Answers the Nextcloud session id; recorders have none. */
  joinRoom(token: string): Promise<string | undefined>;
  leaveRoom(token: string): Promise<void>;
  joinCall(token: string, flags: number): Promise<void>;
  leaveCall(token: string): Promise<void>;
  /** Conversations of other clouds are joined with this. */
  federation?(token: string): Promise<object | undefined>;
}

export interface TalkWebClientOptions {
  readonly features?: readonly string[];
  readonly speed?: number;
}

/** A browser with Talk open in it, which does what the web client does, no better (brief 7.1). */
export class TalkWebClient {
  readonly view = new TalkView();
  readonly peers: TalkPeers;
  /** Data of messages and orders with who sent them, in order. */
  readonly heard: { readonly from: string; readonly type: string; readonly data: unknown }[] = [];
  private readonly socket: TalkSocket;
  private nextcloudSessionId: string | undefined;
  private callFlags: number | undefined;
  private readonly mishaps: string[] = [];

  constructor(
    readonly name: string,
    private readonly site: TalkSite,
    { features = [], speed = 50 }: TalkWebClientOptions = {},
  ) {
    this.peers = new TalkPeers((sessionid, data) => this.sendTo(sessionid, data));
    this.socket = new TalkSocket(
      { settings: () => site.settings(), features, speed },
      {
        connected: (resumed) => this.connected(resumed),
        reconnecting: () => (this.view.reconnected = true),
        received: (frame) => this.received(frame),
      },
    );
  }

  /** Its public session id. */
  get id(): string {
    return this.socket.sessionId ?? '';
  }

  get nextcloudId(): string {
    return this.nextcloudSessionId ?? '';
  }

  get hellos(): readonly string[] {
    return this.socket.hellos;
  }

  get troubles(): readonly string[] {
    return this.socket.troubles;
  }

  /** What the real client could not have lived with, and what is odd about its calls. */
  get failures(): readonly string[] {
    return [...this.socket.failures.map(String), ...this.peers.oddities, ...this.mishaps];
  }

  /** Opens the page; resolves once the signaling server knows it. */
  async open(): Promise<this> {
    await this.socket.open();
    await this.until('a session', () => this.hellos.length > 0);
    return this;
  }

  /** Opens a conversation; resolves once this session was seen to come in. Throws the code of a refusal. */
  async join(token: string): Promise<void> {
    await this.leaveCall();
    this.nextcloudSessionId = await this.site.joinRoom(token);
    this.view.clear();
    this.view.enter(token);
    const refusal = await this.askForRoom();
    if (refusal !== undefined) throw new Error(refusal);
    await this.sees(this);
  }

  /** Closes the conversation, keeps the page. */
  async leaveRoom(): Promise<void> {
    const { room } = this.view;
    if (room === undefined) return;
    await this.leaveCall();
    this.view.clear();
    this.nextcloudSessionId = undefined;
    await new Promise((resolve) => this.socket.send('room', { roomid: '' }, resolve));
    await this.site.leaveRoom(room);
  }

  async joinCall(flags = 7): Promise<void> {
    this.callFlags = flags;
    if (this.view.room !== undefined) await this.site.joinCall(this.view.room, flags);
  }

  async leaveCall(): Promise<void> {
    if (this.callFlags === undefined || this.view.room === undefined) return;
    this.callFlags = undefined;
    await this.site.leaveCall(this.view.room);
    this.peers.hangUp();
  }

  sendTo(sessionid: string, data: object): void {
    this.socket.send('message', { recipient: { type: 'session', sessionid }, data });
  }

  /** To everybody else in the call, one by one, as raised hands and new names go. */
  sendToAll(data: object): void {
    for (const { sessionId } of this.view.participants) if (sessionId !== this.id) this.sendTo(sessionId, data);
  }

  forceMute(peerId: string): void {
    const data = { type: 'control', payload: { action: 'forceMute', peerId } };
    for (const sessionid of this.view.present) {
      if (sessionid === this.id) continue;
      this.socket.send('control', { recipient: { type: 'session', sessionid }, data });
    }
  }

  /** A request that is not the web client's, e.g. of a bridge. */
  send(type: string, body: object): void {
    this.socket.send(type, body);
  }

  /** The connection breaks, and the page does nothing until the lid is opened. */
  async closeLid(): Promise<void> {
    this.socket.sleep();
    await this.until('the connection to break', () => this.troubles.at(-1) === 'closed 1006');
  }

  openLid(): void {
    this.socket.wake();
  }

  leavePage(): void {
    this.socket.leave();
  }

  /** For who was closed: the page comes back by itself, and leaving it in the midst of a hello leaves a session behind. */
  async comesBackAndLeaves(): Promise<void> {
    await this.until('to be back', () => this.socket.isConnected);
    this.leavePage();
  }

  drop(): void {
    this.socket.drop();
  }

  /** Waits until these are in the conversation, as far as this page knows. */
  async sees(...others: TalkWebClient[]): Promise<void> {
    await this.until(`to see ${others.map(({ name }) => name).join(', ')}`, () =>
      others.every(({ id }) => this.view.present.has(id)),
    );
  }

  /** Waits for somebody in the conversation who is none of these; answers the session id. */
  async seesSomebodyBut(known: ReadonlySet<string>): Promise<string> {
    const stranger = () => [...this.view.present].find((id) => !known.has(id));
    await this.until('somebody new', () => stranger() !== undefined);
    return String(stranger());
  }

  /** What the last list of participants says of somebody. */
  entry({ id }: TalkWebClient): Participant | undefined {
    return this.view.participants.find(({ sessionId }) => sessionId === id);
  }

  async notes(line: string): Promise<void> {
    await this.until(`"${line}"`, () => this.view.diary.includes(line));
  }

  /** Waits for the data of a message or order. */
  async hears(from: TalkWebClient, data: object): Promise<void> {
    const text = JSON.stringify({ from: from.id, data });
    await this.until(text, () =>
      this.heard.some((each) => JSON.stringify({ from: each.from, data: each.data }) === text),
    );
  }

  async until(what: string, check: () => boolean): Promise<void> {
    await eventually(check, () => `${what}; ${this.name} knows ${this.knowledge()}`);
  }

  private knowledge(): string {
    const { diary, participants, present, room } = this.view;
    const { hellos, troubles, failures, heard, id } = this;
    const facts = { id, room, hellos, troubles, failures, present: [...present], participants, diary, heard };
    return JSON.stringify(facts, null, 1);
  }

  private connected(resumed: boolean): void {
    if (resumed || this.view.room === undefined) return;
    // The session is a new one; the conversation is still open here.
    this.view.participants = [];
    this.peers.hangUp();
    this.inBackground(this.askForRoom().then(() => this.rejoinCall()));
  }

  private async rejoinCall(): Promise<void> {
    const { room } = this.view;
    if (room !== undefined && this.callFlags !== undefined) await this.site.joinCall(room, this.callFlags);
  }

  /** Asks for the conversation; with a new Nextcloud session when the former one is forgotten. Answers an error's code. */
  private async askForRoom(again = true): Promise<string | undefined> {
    const { room } = this.view;
    if (room === undefined) return undefined;
    const federation = await this.site.federation?.(room);
    const sessionid = this.nextcloudSessionId;
    const answer = await new Promise<unknown>((resolve) =>
      this.socket.send('room', { roomid: room, sessionid, ...(federation ? { federation } : {}) }, resolve),
    );
    if (memberOf(answer, 'type') !== 'error') return undefined;
    const code = textOf(answer, 'error', 'code');
    if (code !== 'no_such_room' || !again) return code;
    this.nextcloudSessionId = await this.site.joinRoom(room);
    return this.askForRoom(false);
  }

  private received(frame: unknown): void {
    const type = memberOf(frame, 'type');
    if (type === 'message' || type === 'control') return this.messageTold(type, memberOf(frame, type));
    const told = this.view.moves.length;
    this.view.receive(frame);
    const moves = this.view.moves.slice(told);
    this.peers.gone(moves.filter((move) => move.startsWith('-')).map((move) => move.slice(1)));
    if (this.callFlags !== undefined) this.peers.callChanged(this.id, this.view.participants);
    const { switchTo } = this.view;
    if (switchTo === undefined) return;
    this.view.switchTo = undefined;
    this.inBackground(this.follow(switchTo));
  }

  /** To a breakout room and back, also in its call. */
  private async follow(token: string): Promise<void> {
    const { callFlags } = this;
    await this.join(token);
    if (callFlags !== undefined) await this.joinCall(callFlags);
  }

  private inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.mishaps.push(String(error)));
  }

  private messageTold(type: string, message: unknown): void {
    // Nobody looks whether there is a sender.
    const from = textOf(message, 'sender', 'sessionid');
    const data = memberOf(message, 'data');
    if (memberOf(data, 'roomType') === 'video') return this.peers.receive(from, data);
    this.heard.push({ from, type, data });
  }
}

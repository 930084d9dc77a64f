import { Line, type Frame, type SocketClass } from './line';
import { isObject, ParleyError, textOf } from './parley-error';

/** How a session presents itself: with a ticket, or as the one whose connection broke. */
export type Hello =
  | { readonly authUrl: string; readonly ticket: string }
  | { readonly resumeId: string; readonly lastSeq: string | undefined };

export interface Greeted {
  readonly line: Line;
  /** Where it ended up, for resumes. */
  readonly url: string;
  readonly sessionId: string;
  readonly resumeId: string;
}

export interface LineListener {
  frame(frame: Frame): void;
  closed(code: number): void;
}

const HELLO_ID = 'hello';

/** More than one other region is a quarrel between servers. */
const MOST_FOLLOWED = 1;

/**
 * Connects and says hello. Who is told `wrong_region` goes to the URL that was told, once.
 * @param listener told of everything after the answer to the hello
 * @throws ParleyError unreachable, or with the code of the refusal
 */
export async function greet(
  Class: SocketClass,
  url: string,
  hello: Hello,
  timeoutMs: number,
  listener: LineListener,
): Promise<Greeted> {
  let at = url;
  for (let followed = 0; ; followed += 1) {
    try {
      return await greetOne(Class, at, hello, timeoutMs, listener);
    } catch (error) {
      const told = error instanceof ParleyError && error.code === 'wrong_region' ? error.facts.url : undefined;
      if (told === undefined || followed >= MOST_FOLLOWED) throw error;
      at = told;
    }
  }
}

async function greetOne(
  Class: SocketClass,
  url: string,
  hello: Hello,
  timeoutMs: number,
  listener: LineListener,
): Promise<Greeted> {
  let answered: (frame: Frame) => void = () => {};
  let failed: (error: ParleyError) => void = () => {};
  const answer = new Promise<Frame>((resolve, reject) => ([answered, failed] = [resolve, reject]));
  // Whoever does not get as far as waiting for it has another error to tell.
  answer.catch(() => {});
  let greeted = false;
  const line = await Line.connect(Class, url, timeoutMs, {
    frame: (frame) => {
      if (greeted) return listener.frame(frame);
      if (frame.id !== HELLO_ID) return;
      // At once: what comes right behind it belongs to the session already.
      greeted = frame.type === 'hello';
      answered(frame);
    },
    closed: (code) => (greeted ? listener.closed(code) : failed(silence(url))),
  });
  const timer = setTimeout(() => failed(silence(url)), timeoutMs);
  try {
    line.send({ id: HELLO_ID, type: 'hello', hello: helloBody(hello) });
    const { sessionId, resumeId } = idsOf(await answer);
    return { line, url, sessionId, resumeId };
  } catch (error) {
    greeted = false;
    line.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const silence = (url: string) => new ParleyError('unreachable', `${url} does not answer.`);

function helloBody(hello: Hello) {
  if ('resumeId' in hello) {
    const { resumeId, lastSeq } = hello;
    return { version: '2.0', resumeid: resumeId, ...(lastSeq === undefined ? {} : { lastSeq }) };
  }
  const auth = { url: hello.authUrl, params: { token: hello.ticket } };
  return { version: '2.0', features: ['message-seq'], auth };
}

function idsOf(frame: Frame): { readonly sessionId: string; readonly resumeId: string } {
  const told = isObject(frame.hello) ? frame.hello : {};
  const [sessionId, resumeId] = [textOf(told.sessionid), textOf(told.resumeid)];
  if (sessionId !== undefined && resumeId !== undefined) return { sessionId, resumeId };
  throw errorOf(frame);
}

/** The refusal that a frame tells of. */
export function errorOf(frame: Frame): ParleyError {
  const error = isObject(frame.error) ? frame.error : {};
  const details = isObject(error.details) ? error.details : {};
  const [region, url] = [textOf(details.region), textOf(details.url)];
  const facts = { ...(region === undefined ? {} : { region }), ...(url === undefined ? {} : { url }) };
  return new ParleyError(textOf(error.code) ?? 'unreadable', textOf(error.message) ?? 'It was refused.', facts);
}

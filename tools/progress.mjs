/** Shows which step is being worked on and for how long: one moving line on a terminal, plain lines elsewhere. */

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** Where nothing moves, a line this often says that work goes on. */
const STILL_AT_WORK_MS = 15_000;

/** @typedef {{write(text: string): unknown, isTTY?: boolean, columns?: number}} Output */

/**
 * @param {Output} output
 * @param {() => number} now milliseconds
 */
export function createProgress(output = process.stdout, now = () => performance.now()) {
  return output.isTTY ? terminal(output, now) : plain(output, now);
}

/** Seconds with one digit, e.g. `0.4 s`. */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function run(name, work, now, show) {
  const startedAt = now();
  let detail = '';
  show.begin(name, () => ({ detail, ms: now() - startedAt }));
  try {
    const result = await work((text) => (detail = text));
    // A step may answer `{note}`: what it found, e.g. "up to date".
    show.end('done', name, result?.note ?? '', now() - startedAt);
    return result;
  } catch (error) {
    show.end('failed', name, '', now() - startedAt);
    throw error;
  }
}

function terminal(output, now) {
  /** @type {Map<string, () => {detail: string, ms: number}>} */
  const active = new Map();
  let frame = 0;
  let timer;
  let drawn = false;
  const clear = () => {
    if (drawn) output.write('\r\x1b[2K');
    drawn = false;
  };
  const draw = () => {
    if (active.size === 0) return;
    const parts = [...active].map(([name, state]) => {
      const { detail, ms } = state();
      return `${name}${detail ? `: ${detail}` : ''} ${seconds(ms)}`;
    });
    const line = `${FRAMES[frame++ % FRAMES.length]} ${parts.join(' · ')}`;
    output.write(`\r\x1b[2K${line.slice(0, (output.columns ?? 80) - 1)}`);
    drawn = true;
  };
  const show = {
    begin: (name, state) => {
      active.set(name, state);
      draw();
      timer ??= setInterval(draw, FRAME_MS).unref();
    },
    end: (outcome, name, note, ms) => {
      active.delete(name);
      clear();
      const mark = outcome === 'done' ? '\x1b[32m✔\x1b[0m' : '\x1b[31m✘\x1b[0m';
      output.write(`${mark} ${name}${note ? ` (${note})` : ''}  \x1b[2m${seconds(ms)}\x1b[0m\n`);
      if (active.size === 0) timer = void clearInterval(timer);
      draw();
    },
  };
  return {
    step: (name, work) => run(name, work, now, show),
    say: (text) => {
      clear();
      output.write(`${text}\n`);
      draw();
    },
  };
}

function plain(output, now) {
  const timers = new Map();
  const show = {
    begin: (name, state) => {
      output.write(`${name} ...\n`);
      const stillAtWork = () => {
        const { detail, ms } = state();
        output.write(`${name} ... ${detail ? `${detail}, ` : ''}${seconds(ms)} so far\n`);
      };
      timers.set(name, setInterval(stillAtWork, STILL_AT_WORK_MS).unref());
    },
    end: (outcome, name, note, ms) => {
      clearInterval(timers.get(name));
      timers.delete(name);
      output.write(`${name}: ${outcome}${note ? ` (${note})` : ''} in ${seconds(ms)}\n`);
    },
  };
  return { step: (name, work) => run(name, work, now, show), say: (text) => output.write(`${text}\n`) };
}

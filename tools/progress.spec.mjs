import { createProgress } from './progress.mjs';

function screen(isTTY) {
  const output = { isTTY, columns: 40, text: '', write: (text) => (output.text += text) };
  return output;
}

describe('progress', () => {
  let time;
  const now = () => time;
  beforeEach(() => {
    time = 0;
  });

  it('is plain lines where there is no terminal', async () => {
    const output = screen(false);
    const progress = createProgress(output, now);
    const answer = await progress.step('Build', async () => {
      time = 1234;
      return { note: '3 files' };
    });
    progress.say('hello');
    expect(output.text).toBe('Build ...\nBuild: done (3 files) in 1.2 s\nhello\n');
    expect(answer).toEqual({ note: '3 files' });
  });

  it('passes a failure on and shows which step it was', async () => {
    const output = screen(false);
    const failure = new Error('no');
    await expect(createProgress(output, now).step('Seed', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(output.text).toBe('Seed ...\nSeed: failed in 0.0 s\n');
  });

  it('moves one line on a terminal, never wider than it', async () => {
    const output = screen(true);
    const progress = createProgress(output, now);
    await progress.step('Install packages', async (report) => {
      report('a detail that is much longer than the forty columns there are');
      progress.say('in between');
      time = 500;
    });
    for (const line of output.text.split(/\r|\n/)) {
      // eslint-disable-next-line no-control-regex -- what a terminal does not show is not counted
      expect(line.replace(/\x1b\[[0-9]*[A-Za-z]/g, '').length).toBeLessThan(40);
    }
    expect(output.text).toMatch(/in between\n/);
    expect(output.text).toMatch(/✔.*Install packages.*0\.5 s.*\n$/s);
  });
});

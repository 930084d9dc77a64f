import { laggingText, untilHeard } from './spreading.mjs';

const spread = (rotating, ...lagging) => ({
  rotating,
  regions: ['us-1', 'ap-1'].map((region) => ({ region, lags: lagging.includes(region) })),
});

it('waits for every region and for the former secret to be void, and says for whom', async () => {
  const answers = [
    spread(true, 'us-1', 'ap-1'),
    spread(true, 'ap-1'),
    spread(true),
    spread(false, 'us-1'),
    spread(false),
  ];
  const told = [];
  const look = async () => answers.shift();
  expect(
    await untilHeard(
      look,
      (text) => told.push(text),
      async () => undefined,
    ),
  ).toEqual({ note: 'all regions have it' });
  expect(told).toEqual(['us-1, ap-1 lag', 'ap-1 lags', 'about to be accepted', 'us-1 lags']);
  expect(answers).toEqual([]);
});

it('ends when the operator’s REST does not answer', async () => {
  const away = new Error('Nothing answers.');
  await expect(
    untilHeard(
      async () => Promise.reject(away),
      () => undefined,
    ),
  ).rejects.toBe(away);
});

it('one lags, two lag', () => {
  expect([laggingText(['us-1']), laggingText(['us-1', 'ap-1'])]).toEqual(['us-1 lags', 'us-1, ap-1 lag']);
});

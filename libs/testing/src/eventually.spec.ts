import { eventually } from './eventually';

describe('eventually', () => {
  it('answers the first truthy value, also after failures', async () => {
    let looks = 0;
    const value = await eventually(() => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      return looks === 3 ? 'there' : undefined;
    }, 'it to be there');
    expect(value).toBe('there');
  });

  it('says what is missing and why the last look failed', async () => {
    const nothing = eventually(
      () => Promise.reject(new Error('no such row')),
      () => 'the row, of which there are 0',
      50,
    );
    await expect(nothing).rejects.toThrow(
      'waited 50 ms for the row, of which there are 0 (the last look failed: no such row)',
    );
  });
});

import { readOptions } from './options.mjs';

describe('the options of npm start', () => {
  it('has defaults that need no option', () => {
    expect(readOptions([])).toEqual({
      help: false,
      fresh: false,
      port: 8080,
      gateways: 2,
      regions: [{ id: 'eu-1', number: 1 }],
    });
  });

  it('numbers regions in the order given', () => {
    const { regions, port, gateways, fresh } = readOptions(
      ['--regions', 'eu-1, us-1', '--port=9000', '--gateways', '3', '--fresh'], //
    );
    expect([regions, port, gateways, fresh]).toEqual([
      [
        { id: 'eu-1', number: 1 },
        { id: 'us-1', number: 2 },
      ],
      9000,
      3,
      true,
    ]);
  });

  it.each([
    [['--port', '0'], /--port takes a whole number from 1 to 65535, not "0"/],
    [['--port', '80.5'], /--port takes/],
    [['--port', '65535', '--regions', 'a,b'], /from 1 to 65534/],
    [['--gateways', 'many'], /--gateways takes a whole number from 1 to 16, not "many"/],
    [['--regions', 'eu-1,eu-1'], /names a region twice/],
    [['--regions', 'EU 1'], /"EU 1" is none/],
    [['--regions', ''], /"" is none/],
    [['--prot', '1'], /--prot.*npm start -- --help/],
    [['something'], /npm start -- --help/],
  ])('says what is wrong with %j', (args, sentence) => {
    expect(() => readOptions(args)).toThrow(
      expect.objectContaining({ name: 'SetupFailure', message: expect.stringMatching(sentence) }),
    );
  });
});

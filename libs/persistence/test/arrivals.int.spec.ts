import { DOMAIN, fillDomain, MovingWorld } from './moving-world';

let world: MovingWorld;
beforeEach(async () => {
  world = await MovingWorld.start();
  await fillDomain(world.eu);
});
afterEach(() => world.close());

test('nothing that comes over the wire touches a domain that lives there', async () => {
  const { arrivals } = world.eu.moving;
  await expect(arrivals.prepare(DOMAIN, { name: DOMAIN })).rejects.toMatchObject({ code: 'taken' });
  await expect(arrivals.put(DOMAIN, 'Booking', [])).rejects.toMatchObject({ code: 'taken' });
  await expect(arrivals.abandon(DOMAIN)).rejects.toMatchObject({ code: 'taken' });
  await expect(arrivals.activate(DOMAIN, 2)).rejects.toMatchObject({ code: 'invalid' });
  await expect(arrivals.put(DOMAIN, 'Account', [])).rejects.toThrow();
});

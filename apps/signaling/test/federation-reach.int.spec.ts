import { eventually } from '@parley/testing';
import { event } from './backend-poster';
import { FederationHouse } from './federation-house';

let house: FederationHouse;
beforeAll(async () => {
  house = await FederationHouse.start();
});
afterAll(() => house?.close());

test('ranges that are taken from a backend are not dialled again for those who are guests already', async () => {
  const { guest } = await house.pair();
  house.gate.lock();
  await guest.expect(event('room', 'federation_interrupted'));
  await house.near.region.operator.change('talk', { allowPrivate: ['10.0.0.0/8'] });
  // The replica knows when it does not ask that Nextcloud itself any more.
  const isUnreachable = () =>
    house.near.talk.user(house.near.gateway, 'late').then(
      () => false,
      (error: unknown) => String(error).includes('internal_error'),
    );
  await eventually(isUnreachable, 'the replica to know');
  house.gate.unlock();
  // Every 200 ms it is tried again; that nothing comes of it shows itself in time only.
  const until = performance.now() + 1_000;
  await eventually(() => performance.now() > until, 'some tries');
  await guest.fence();
  await guest.expectNothing(event('room', 'federation_resumed'));
  await house.near.region.operator.change('talk', { allowPrivate: ['127.0.0.0/8'] });
  await guest.expect(event('room', 'federation_resumed'));
});

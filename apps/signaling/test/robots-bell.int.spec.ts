import { onTwoReplicas } from './layouts';
import { acknowledge, nextOf, RobotHouse } from './robot-house';

// Nobody looks by the clock.
const house = new RobotHouse(30_000, 10 * 60_000);

onTwoReplicas(house, () => {
  test('the bell is heard by all replicas: deliveries come, and removed robots go, at once', async () => {
    for (const replica of [house.one, house.two]) {
      const kept = await house.robot();
      const robot = await house.connected(kept, replica);
      const ids = await house.deliver(kept, 20);
      for (const id of ids) {
        expect((await nextOf(robot)).id).toBe(id);
        // Each makes room for another by itself.
        acknowledge(robot, id);
      }
      await house.settled(...ids);
      await house.region.database.stores.robots.remove(kept.robot.id, new Date());
      await house.ring();
      await robot.expect('bye');
    }
  });
});

import { brandAs, type SessionId } from '@parley/domain';
import { eventually, type Envelope } from '@parley/testing';
import { event, expectEvent, foreignIdOf } from './backend-poster';
import { FederationHouse, joinOf } from './federation-house';
import { inEveryLayout } from './layouts';

// Guests come in by the near door one, friends of theirs by two; hosts are on the far side behind two, where the way
// between the clusters does not lead.
const house = new FederationHouse();

const isJoin = event('room', 'join');
const isEvent = (envelope: Envelope) => envelope.type === 'event';

inEveryLayout(house, () => {
  describe('a broken way between the clusters', () => {
    test('is told and mended: the same session there, what was sent meanwhile arrives, nothing else happens', async () => {
      const { guest, host, remoteId } = await house.pair();
      house.gate.lock();
      await guest.expect(event('room', 'federation_interrupted'));
      guest.message({ type: 'room' }, 'from here');
      host.message({ type: 'session', sessionid: remoteId }, 'from there');
      await host.fence();
      house.gate.unlock();
      const told = await guest.expect(event('room', 'federation_resumed'));
      expect(told.event).toEqual({ target: 'room', type: 'federation_resumed', resumed: true });
      expect((await host.expect('message')).message).toMatchObject({
        data: 'from here',
        sender: { sessionid: remoteId },
      });
      expect((await guest.expect('message')).message).toMatchObject({ data: 'from there' });
      host.message({ type: 'room' }, 'last');
      await guest.expectNothing(isEvent, 'message');
      await host.expectNothing(isEvent);
    });

    test('that lasted too long: a new session there, whose room it enters by itself', async () => {
      const { guest, host, room, remoteId } = await house.pair();
      house.gate.lock();
      await guest.expect(event('room', 'federation_interrupted'));
      await house.far.gateway.live.sessions.end(brandAs<SessionId>(remoteId), 'expired');
      expect(await expectEvent(host, 'room', 'leave')).toEqual([remoteId]);
      guest.message({ type: 'room' }, 'meanwhile');
      house.gate.unlock();
      const told = await guest.expect(event('room', 'federation_resumed'));
      expect(told.event).toEqual({ target: 'room', type: 'federation_resumed', resumed: false });
      const pushed = await guest.expect('room');
      expect(pushed).toMatchObject({ type: 'room', room: { roomid: room.local } });
      expect(pushed).not.toHaveProperty('id');
      await guest.expectJoined(guest.sessionId);
      await guest.expectJoined(host.sessionId);
      const [again] = joinOf(await host.expect(isJoin));
      expect(again?.sessionid).not.toBe(remoteId);
      expect((await host.expect('message')).message).toMatchObject({ data: 'meanwhile' });
    });

    test('may be left meanwhile', async () => {
      const { guest } = await house.pair();
      house.gate.lock();
      await guest.expect(event('room', 'federation_interrupted'));
      expect((await guest.leave()).room).toEqual({ roomid: '' });
      await guest.join(house.newRoom().local, { sessionid: foreignIdOf(guest) });
      await guest.expectJoined(guest.sessionId);
    });
  });

  describe('a guest that loses its own connection', () => {
    test('resumes at the same replica: nothing was lost, nobody noticed', async () => {
      const { guest, host, remoteId } = await house.pair();
      const way = house.gate.whichSaid(remoteId);
      expect(way).toMatchObject([{ open: true }]);
      guest.drop();
      await guest.expectClosed();
      host.message({ type: 'session', sessionid: remoteId }, 'missed');
      await host.fence();
      const again = await house.near.region.connect(house.near.gateway, 'again');
      await again.helloResume(guest.resumeId);
      expect((await again.expect('message')).message).toMatchObject({ data: 'missed' });
      again.message({ type: 'room' }, 'back');
      expect((await host.expect('message')).message).toMatchObject({ data: 'back', sender: { sessionid: remoteId } });
      // It has the way there that it had.
      expect(house.gate.whichSaid(remoteId)).toEqual(way);
      await again.expectNothing(isEvent);
      await host.expectNothing(isEvent);
    });

    test.each(['lives', 'is gone'])('resumes at another replica while its first one %s', async (fate) => {
      const first = await house.nearReplica();
      const { guest, host, remoteId } = await house.pair({ replica: first });
      if (fate === 'lives') guest.drop();
      else await first.close();
      await guest.expectClosed();
      host.message({ type: 'session', sessionid: remoteId }, 'missed');
      await host.fence();
      const again = await house.near.region.connect(house.near.gateway, 'again');
      await again.helloResume(guest.resumeId);
      expect((await again.expect('message')).message).toMatchObject({ data: 'missed' });
      again.message({ type: 'room' }, 'back');
      expect((await host.expect('message')).message).toMatchObject({ data: 'back', sender: { sessionid: remoteId } });
      await again.expectNothing(isEvent);
      await host.expectNothing(isEvent);
      const open = () => house.gate.whichSaid(remoteId).filter((way) => way.open);
      await eventually(() => open().length === 1, 'the end of the first connection');
    });

    test('and does not come back is gone there as well', async () => {
      const { guest, host, remoteId } = await house.pair();
      guest.drop();
      await guest.expectClosed();
      const { sessions } = house.near.gateway.live;
      const id = brandAs<SessionId>(guest.sessionId);
      await eventually(async () => (await sessions.find(id))?.attached === false, 'the loss to be noticed');
      await sessions.end(id, 'expired');
      expect(await expectEvent(host, 'room', 'leave')).toEqual([remoteId]);
    });
  });
});
